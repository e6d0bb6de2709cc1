using System.Diagnostics;
using System.Net.Sockets;

namespace XSepConv.Cli.Tests;

/// <summary>What may be found where a file is expected.</summary>
internal static class Obstacle
{
    public const string Fifo = "fifo", Device = "device", Folder = "folder", Socket = "socket", Dangling = "dangling link", Cycle =
        "link cycle", Forbidden = "no permission", TooLong = "too long a name", Empty = "empty";

    public static readonly string[] All = [Fifo, Device, Folder, Socket, Dangling, Cycle, Forbidden, TooLong, Empty];

    /// <summary>Makes one and gives its path.</summary>
    public static string Make(string kind, string folder)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such files.");
        var path = Path.Combine(folder, "obstacle");
        switch (kind)
        {
            case Fifo:
                using (var maker = Process.Start("mkfifo", [path])) maker.WaitForExit();
                break;
            case Device:
                return "/dev/zero";
            case Folder:
                Directory.CreateDirectory(path);
                break;
            case Socket:
                using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
                {
                    // Short: a socket's name has 108 bytes.
                    var made = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
                    socket.Bind(new UnixDomainSocketEndPoint(made));
                    if (!File.Exists(made)) return made;
                    File.Move(made, path);
                }

                break;
            case Dangling:
                File.CreateSymbolicLink(path, Path.Combine(folder, "none"));
                break;
            case Cycle:
                File.CreateSymbolicLink(path, path + "2");
                File.CreateSymbolicLink(path + "2", path);
                break;
            case Forbidden:
                Assert.SkipWhen(Environment.IsPrivilegedProcess, "The superuser may read everything.");
                File.WriteAllText(path, "secret");
                if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.None);
                break;
            case TooLong:
                return Path.Combine(folder, new string('x', 5_000));
            case Empty:
                return "";
        }

        return path;
    }
}
