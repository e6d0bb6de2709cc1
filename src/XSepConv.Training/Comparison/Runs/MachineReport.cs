using System.Runtime.InteropServices;
using TorchSharp;

namespace XSepConv.Training;

/// <summary>Where and when.</summary>
internal sealed record MachineReport(DateTimeOffset Time, string Processor, int Cores, string System, string Versions, string Kernel)
{
    public static MachineReport Now() => new(
        DateTimeOffset.UtcNow,
        ProcessorName(),
        Environment.ProcessorCount,
        RuntimeInformation.OSDescription,
        $"XSepConv {typeof(MachineReport).Assembly.GetName().Version?.ToString(3)}, .NET {Environment.Version}, "
            + $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, libtorch {torch.__version__}",
        Kernels.KernelRegistry.Current.Name);

    private static string ProcessorName()
    {
        const string Known = "/proc/cpuinfo";
        var line = File.Exists(Known)
            ? File.ReadLines(Known).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim() ?? $"{RuntimeInformation.ProcessArchitecture}";
    }
}
