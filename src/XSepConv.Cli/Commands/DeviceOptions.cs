using System.CommandLine;
using TorchSharp;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Startup;

namespace XSepConv.Cli.Commands;

/// <summary>Where Torch computes, and on how many threads.</summary>
/// <param name="usualThreads">What it is without <c>--threads</c>, in words.</param>
internal sealed class DeviceOptions(string usualThreads = "Torch's choice, a thread a core")
{
    private const string Cuda = "cuda";

    private readonly Option<string> device = CheckedOption.Choice("--device", ["auto", "cpu", Cuda], "auto", "Where to compute; auto takes CUDA where there is some.");

    private readonly ThreadsOption threads = new($"Threads of Torch on the CPU, at most one a core. Default: {usualThreads}.");

    public void AddTo(Command command)
    {
        command.Add(device);
        threads.AddTo(command);
    }

    public int? Threads(ParseResult result) => threads.Value(result);

    /// <summary>Loads libtorch, sets its threads, and checks that the device is there.</summary>
    /// <returns>The device's name, as <c>TorchDevice.Parse</c> takes it.</returns>
    public string Prepare(ParseResult result)
    {
        Nnpack.SwitchOffWhereUnsupported();
        if (Threads(result) is { } count) torch.set_num_threads(count);
        var name = result.GetValue(device)!;
        return name != Cuda || torch.cuda.is_available()
            ? name
            : throw new UserError(
                "--device is 'cuda', but libtorch sees no CUDA device here. Use --device cpu; or, with an NVIDIA GPU and its driver, build with -p:TorchBackend=cuda-linux (on Windows cuda-windows).");
    }
}
