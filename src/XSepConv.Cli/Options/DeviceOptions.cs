using System.CommandLine;
using TorchSharp;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Startup;
using XSepConv.Training;

namespace XSepConv.Cli.Options;

/// <summary>Where Torch computes, and on how many threads.</summary>
/// <param name="usualThreads">What it is without <c>--threads</c>, in words.</param>
internal sealed class DeviceOptions(string usualThreads = "one for each core that is idle at the start")
{
    private const string Cuda = "cuda";

    private readonly Option<string> device = CheckedOption.Choice(
        "--device", ["auto", "cpu", Cuda], "auto", "Where to compute; auto takes CUDA where there is some.");

    private readonly ThreadsOption threads = new($"Threads of Torch on the CPU, at most one a core. Default: {usualThreads}.");

    /// <summary>In the order of the help.</summary>
    public IEnumerable<Option> All => [device, threads.Option];

    public int? Threads(ParseResult result) => threads.Value(result);

    /// <summary>
    /// On the CPU and without <c>--threads</c>, a thread for each core that no other program uses, and a word on it; null where all are
    /// idle.
    /// </summary>
    /// <param name="chosenDevice">Of <see cref="Prepare"/>.</param>
    public (int Threads, string Note)? BesideOthers(ParseResult result, string chosenDevice)
    {
        if (Threads(result) is not null || TorchDevice.Parse(chosenDevice).type != DeviceType.CPU) return null;
        return Beside(IdleCores.Count(), TorchDevice.UsualThreads);
    }

    /// <summary>The same where so many cores are idle, and so many threads are usual.</summary>
    internal static (int Threads, string Note)? Beside(int idle, int usual)
    {
        if (idle >= usual) return null;
        var fewer = idle == 1 ? "1 thread is" : $"{idle} threads are";
        return (idle, $"other programs use this machine's {ThreadsOption.Cores} cores: {fewer} faster then; --threads decides otherwise.");
    }

    /// <summary>Loads libtorch, sets its threads, and checks that the device is there.</summary>
    /// <returns>The device's name, as <c>TorchDevice.Parse</c> takes it.</returns>
    public string Prepare(ParseResult result)
    {
        Nnpack.SwitchOffWhereUnsupported();
        var count = Threads(result) ?? TorchDevice.UsualThreads;
        if (count != torch.get_num_threads()) torch.set_num_threads(count);
        var name = result.GetValue(device)!;
        return name != Cuda || torch.cuda.is_available()
            ? name
            : throw new UserError(
                "--device is 'cuda', but libtorch sees no CUDA device here. Use --device cpu; or, with an NVIDIA GPU "
                    + "and its driver, build with "
                + "-p:TorchBackend=cuda-linux (on Windows cuda-windows).");
    }
}
