using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// Where libtorch can't be loaded, the first module that is made says what to do; the system's own text lists a dozen paths.
/// </summary>
internal static class LibtorchLoading
{
    private const string Bridge = "LibTorchSharp";
    private const string NewerLibrary = "GLIBCXX_";

    private static volatile bool s_loaded;

    /// <summary>To be called before the base class's constructor, which would load libtorch.</summary>
    /// <returns>The name, for that constructor.</returns>
    /// <exception cref="DllNotFoundException">It can't be loaded; the message names the remedy.</exception>
    public static string Before(string name)
    {
        Require();
        return name;
    }

    /// <summary>To be called before anything else of Torch is.</summary>
    /// <exception cref="DllNotFoundException">It can't be loaded; the message names the remedy.</exception>
    public static void Require()
    {
        if (!s_loaded) Load();
        s_loaded = true;
    }

    private static void Load()
    {
        try
        {
            NativeLibrary.Load(Bridge, typeof(Tensor).Assembly, null);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            if (!FoundByTorchSharp()) throw new DllNotFoundException(Explain(e.Message), e);
        }
    }

    /// <summary>
    /// It also looks in the folders of packages, for notebooks, and tells standard output at length when it has not found it.
    /// </summary>
    private static bool FoundByTorchSharp()
    {
        var output = Console.Out;
        Console.SetOut(TextWriter.Null);
        try
        {
            return get_num_threads() > 0;
        }
        catch (Exception e) when (
            e is TypeInitializationException or DllNotFoundException or NotSupportedException or BadImageFormatException)
        {
            return false;
        }
        finally
        {
            Console.SetOut(output);
        }
    }

    /// <summary>What is wrong and what to do, from what the system said about each place where it looked.</summary>
    internal static string Explain(string said) => $"{Cause(said)} " + (said.Contains(NewerLibrary, StringComparison.Ordinal)
        ? "This system's libstdc++ is older than TorchSharp's file asks for; "
            + "set <TorchSharpWeakGlibcxx>true</TorchSharpWeakGlibcxx> in the application's project and build it again."
        : $"Reference the package for this system ({RuntimeInformation.RuntimeIdentifier}) in the application's project: TorchSharp-cpu, "
            + "TorchSharp-cuda-linux or TorchSharp-cuda-windows.");

    /// <summary>What is wrong, in a sentence.</summary>
    internal static string Cause(string said)
    {
        // A place without the file says no more than that.
        var places = said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[1..];
        var place = Array.Find(places, place => place.Contains(NewerLibrary, StringComparison.Ordinal))
            ?? Array.Find(places, place => !place.Contains("No such file", StringComparison.OrdinalIgnoreCase))
            ?? "its files are not beside the application";
        return $"libtorch can't be loaded: {place.TrimEnd('.')}.";
    }
}
