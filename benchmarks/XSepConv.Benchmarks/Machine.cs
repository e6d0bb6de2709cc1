using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using BenchmarkDotNet.Environments;
using TorchSharp;

namespace XSepConv.Benchmarks;

/// <summary>What the figures depend on.</summary>
internal static class Machine
{
    /// <summary>
    /// The processor's name as it reports it. On x86 its family and model too: a virtual machine may tell no more than the maker's brand.
    /// </summary>
    public static string Cpu { get; } =
        $"{(HostEnvironmentInfo.GetCurrent().Cpu.Value?.ProcessorName is { Length: > 0 } name ? name : "unknown CPU")}{FamilyAndModel}";

    /// <summary>What there is of it.</summary>
    public static string Processor => $"{Cpu}, {Environment.ProcessorCount} logical processors, {WidestVectors}";

    /// <summary>The processor's name as the name of a folder.</summary>
    public static string FolderName { get; } =
        string.Join('-', new string([.. Cpu.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' ? c : ' ')])
            .Split(' ', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>The first CUDA device's name, as its driver reports it.</summary>
    public static string Gpu
    {
        get
        {
            const string Unknown = "unknown CUDA device";
            try
            {
                using var query = Process.Start(new ProcessStartInfo("nvidia-smi", ["--query-gpu=name", "--format=csv,noheader"])
                {
                    RedirectStandardOutput = true,
                })!;
                return query.StandardOutput.ReadLine() ?? Unknown;
            }
            catch (Win32Exception)
            {
                return Unknown;
            }
        }
    }

    /// <summary>Versions, widths and threads, as lines of a Markdown list.</summary>
    /// <param name="threads">Of libtorch.</param>
    /// <param name="libtorch">What libtorch is called where it is not TorchSharp's own.</param>
    public static IEnumerable<string> Describe(int threads, string? libtorch = null)
    {
        yield return $"CPU: {Processor}";
        if (torch.cuda.is_available())
            yield return $"CUDA devices: {torch.cuda.device_count()}, the first {Gpu}";
        yield return $"libtorch threads: {threads}";
        yield return $".NET {Environment.Version}, TorchSharp {VersionOf(typeof(torch).Assembly)}, "
            + $"libtorch {libtorch ?? torch.__version__}, BenchmarkDotNet {VersionOf(typeof(HostEnvironmentInfo).Assembly)}";
        yield return $"XSepConv {CommitOf(typeof(XSepBlock).Assembly)}, {RuntimeInformation.OSDescription}, "
            + $"{RuntimeInformation.OSArchitecture}";
        yield return GlibcAllocator.Tune() ? "glibc's allocator keeps freed memory (mallopt) and asks for large pages, for both sides"
            : "the system's allocator as it is";
    }

    /// <summary>As its package has it.</summary>
    public static string VersionOf(Assembly assembly) => Informational(assembly).Split('+')[0];

    /// <summary>The same, with the beginning of the commit that it was built from.</summary>
    private static string CommitOf(Assembly assembly) => Informational(assembly).Split('+') is [var version, { Length: >= 9 } commit]
        ? $"{version} of {commit[..9]}" : VersionOf(assembly);

    private static string Informational(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? assembly.GetName().Version?.ToString() ?? "?";

    // CPUID leaf 1, EAX: model in bits 4–7 and 16–19, family in 8–11, and 20–27 where those are full.
    private static string FamilyAndModel
    {
        get
        {
            if (!X86Base.IsSupported) return "";
            var signature = X86Base.CpuId(1, 0).Eax;
            var (family, model) = ((signature >> 8) & 15, ((signature >> 4) & 15) | ((signature >> 12) & 0xF0));
            return $", family {(family == 15 ? 15 + ((signature >> 20) & 255) : family)} model {model}";
        }
    }

    private static string WidestVectors =>
        System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? "512-bit vectors"
        : System.Runtime.Intrinsics.Vector256.IsHardwareAccelerated ? "256-bit vectors" : "128-bit vectors";
}
