using System.Diagnostics;
using System.IO.Compression;

namespace XSepConv.Training.Tests;

/// <summary>A data root made for a test.</summary>
public sealed class PictureFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private int _number;

    public string Root => _folder.At("root");

    internal DatasetOptions Options => new() { DataRoot = Root, CacheDirectory = _folder.At("cache"), ImageSize = 8 };

    public string At(string name) => Path.Combine(Root, name);

    /// <summary>Anywhere but in the data root.</summary>
    public string Outside(string name) => _folder.At(name);

    public ImageDataset Open(FolderLayout layout = FolderLayout.Auto, bool skipDamaged = false) =>
        Sets.Open("folder", Options with { Layout = layout, SkipDamaged = skipDamaged });

    public string Refusal(FolderLayout layout = FolderLayout.Auto) => Assert.Throws<InvalidDataException>(() => Open(layout)).Message;

    /// <summary>
    /// Pictures at these names, each of another grey (of 256) and with bytes of its own: a PNG file may have something after its end.
    /// </summary>
    public PictureFolder Put(params IEnumerable<string> names)
    {
        foreach (var name in names) Write(name, [.. Grey((byte)_number), .. BitConverter.GetBytes(_number++)]);
        return this;
    }

    /// <summary>So many pictures in each of these folders.</summary>
    public PictureFolder Fill(int count, params IEnumerable<string> folders)
    {
        foreach (var folder in folders) Put(Enumerable.Range(0, count).Select(i => $"{folder}/{i}.png"));
        return this;
    }

    public void Write(string name, byte[] bytes)
    {
        var path = Path.IsPathRooted(name) ? name : At(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    public void Link(string name, string target)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.CreateSymbolicLink(At(name), target);
    }

    /// <summary>What .NET can't make: names that are not UTF-8, FIFOs.</summary>
    public void Shell(string script)
    {
        var start = new ProcessStartInfo("bash") { WorkingDirectory = Root };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(script);
        using var process = Process.Start(start)!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>A PNG file of one pixel.</summary>
    internal static byte[] Grey(byte value)
    {
        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write([0, value]);
        return PngChecksums.Mended(
        [
            0x89, .. "PNG\r\n\u001a\n"u8, 0, 0, 0, 13, .. "IHDR"u8, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, (byte)data.Length, .. "IDAT"u8, .. data.ToArray(), 0, 0, 0, 0, 0, 0, 0, 0, .. "IEND"u8, 0, 0, 0, 0,
        ]);
    }
}
