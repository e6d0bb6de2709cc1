using System.Runtime.InteropServices;
using TorchSharp;

namespace XSepConv.Cli.Startup;

/// <summary>Loads libtorch, or says in a line what keeps it from being loaded and what to do.</summary>
internal static class Libtorch
{
    private const string Bridge = "LibTorchSharp";

    /// <exception cref="UserError">It can't be loaded.</exception>
    public static void Load()
    {
        // TorchSharp tells standard output how it looked for the library.
        var output = Console.Out;
        Console.SetOut(TextWriter.Null);
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
        }
        catch (Exception e) when (e is TypeInitializationException or NotSupportedException or DllNotFoundException or BadImageFormatException)
        {
            throw new UserError(WhyNotLoaded() ?? e.GetBaseException().Message, ExitCode.Failed);
        }
        finally
        {
            Console.SetOut(output);
        }
    }

    /// <summary>Null where it can be loaded.</summary>
    public static string? WhyNotLoaded()
    {
        try
        {
            NativeLibrary.Load(Bridge, typeof(torch).Assembly, null);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            return Explain(e.Message);
        }
    }

    /// <summary>From what the system said about each place where it looked.</summary>
    internal static string Explain(string said)
    {
        var lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (Array.Find(lines, line => line.Contains("GLIBCXX_", StringComparison.Ordinal)) is { } old)
        {
            return $"libtorch can't be loaded: {old}. This system's libstdc++ is older than TorchSharp's file asks for: build with <TorchSharpWeakGlibcxx>true</TorchSharpWeakGlibcxx>.";
        }

        // A place without the file says no more than that.
        return Array.Find(lines[1..], line => !line.Contains("No such file", StringComparison.OrdinalIgnoreCase)) is { } cause
            ? $"libtorch can't be loaded: {cause.TrimEnd('.')}. Install it again, or build with a package for this system: TorchSharp-cpu, or TorchSharp-cuda-linux or -windows."
            : "libtorch can't be loaded: its files are not beside the program. Build with a package for this system: TorchSharp-cpu, or TorchSharp-cuda-linux or -windows.";
    }
}
