using TorchSharp;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Startup;

/// <summary>Loads libtorch, or says in a line what keeps it from being loaded and what to do.</summary>
internal static class Libtorch
{
    /// <exception cref="UserError">It can't be loaded.</exception>
    public static void Load()
    {
        try
        {
            LibtorchLoading.Before("");
            torch.InitializeDeviceType(DeviceType.CPU);
        }
        catch (DllNotFoundException e)
        {
            throw new UserError(e.Message, ExitCode.Failed);
        }
    }
}
