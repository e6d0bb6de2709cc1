using System.Runtime.InteropServices;
using TorchSharp;

namespace XSepConv.Cli.Startup;

/// <summary>
/// Switches libtorch's NNPACK off where it can't run: otherwise every small convolution tries again and writes
/// <c>Could not initialize NNPACK</c> to stderr. Results stay the same, since it never ran.
/// </summary>
internal static unsafe class Nnpack
{
    // glog's level for errors, above that of warnings.
    private const int ErrorsOnly = 2;

    /// <summary>Loads libtorch. Does nothing where it has no NNPACK or other symbols (Windows, another version).</summary>
    public static void SwitchOffWhereUnsupported()
    {
        Libtorch.Load();
        var assembly = typeof(torch).Assembly;
        if (!NativeLibrary.TryLoad("torch_cpu", assembly, null, out var torchCpu)
            || !NativeLibrary.TryLoad("c10", assembly, null, out var c10)
            || !NativeLibrary.TryGetExport(c10, "FLAGS_caffe2_log_level", out var logLevel)
            || !NativeLibrary.TryGetExport(torchCpu, "_ZN2at6native17_nnpack_availableEv", out var isAvailable)
            || !NativeLibrary.TryGetExport(torchCpu, "_ZN2at13globalContextEv", out var globalContext)
            || !NativeLibrary.TryGetExport(torchCpu, "_ZN2at7Context20setUserEnabledNNPACKEb", out var setEnabled))
        {
            return;
        }

        // Asking is itself one of the attempts that write the warning.
        var level = (int*)logLevel;
        var before = *level;
        *level = ErrorsOnly;
        var available = ((delegate* unmanaged<byte>)isAvailable)() != 0;
        *level = before;
        if (available) return;
        var context = ((delegate* unmanaged<nint>)globalContext)();
        ((delegate* unmanaged<nint, byte, void>)setEnabled)(context, 0);
    }
}
