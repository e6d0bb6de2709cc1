using TorchSharp;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Startup;

/// <summary>Loads libtorch, or says in a line what keeps it from being loaded and what to do.</summary>
internal static class Libtorch
{
    private const string Rest = "The tool has it for Linux x64, Windows x64 and macOS on Arm: install it again, or build it from a clone. "
        + "summary, plan, predict, import and profile without --training run all the same.";

    /// <exception cref="UserError">It can't be loaded.</exception>
    public static void Load()
    {
        try
        {
            LibtorchLoading.Require();
            torch.InitializeDeviceType(DeviceType.CPU);
        }
        catch (DllNotFoundException e)
        {
            throw new UserError($"{LibtorchLoading.Cause(e.InnerException?.Message ?? e.Message)} {Rest}", ExitCode.Failed);
        }
    }
}
