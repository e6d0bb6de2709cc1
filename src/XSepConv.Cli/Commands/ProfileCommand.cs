using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Options;
using XSepConv.Cli.Profiling;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv profile</c>: where a compiled network's time goes, layer by layer. Runs without libtorch.</summary>
internal static class ProfileCommand
{
    private const int DefaultClasses = 1000;

    public static Command Create()
    {
        var checkpoint = new CheckpointOption(
            "A checkpoint of train. Default: the network that the options describe, with random weights.", required: false);
        var network = new NetworkOptions();
        var classes = CheckedOption.OptionalWhole(
            "--classes", 1, 100_000, $"How many classes the network tells apart, {DefaultClasses} by default.");
        var batch = CheckedOption.Whole("--batch", 1, 65_536, 1, "Images at once.").Or("--batch-size", "-b");
        var threads = new ThreadsOption("Threads of a whole run, at most one a core; the layers are measured on one. Default: 1.");
        var size = new ImageSizeOption(
            "Height and width of the images. Default: those of the checkpoint's data; 224, with --preset cifar 32.");
        var json = CheckedOption.Flag("--json", "Print one line of JSON.");
        var command = new ToolCommand(
            "profile", "Measure where a network's time goes at inference, in the runtime, beside what the machine allows.")
        {
            Examples =
            [
                "xsepconv profile                                    the paper's network at 3×224×224, random weights",
                "xsepconv profile --checkpoint runs/shapes/best.safetensors --batch 32",
                "xsepconv profile --network mobilenet-v3-small-twin --image-size 160 --threads 2 --json",
            ],
        };
        command.Add("Network", [checkpoint.Option, .. network.All, classes]);
        command.Add("Run", [size.Option, batch, threads.Option]);
        command.Add("Output", [json]);
        command.Validators.Add(result =>
        {
            var typed = network.Typed(result) ?? (result.IsTyped(classes) ? classes.Name : null);
            if (!result.IsTyped(checkpoint.Option) || typed is null) return;
            result.AddError($"{typed} contradicts --checkpoint, which says itself what its network is.");
        });
        command.SetAction(result =>
        {
            var file = checkpoint.Path(result);
            var given = size.Size(result);
            var model = file is null
                ? RandomWeights.Compile(network.Spec(result, 3, result.GetValue(classes) ?? DefaultClasses, given))
                : CompiledModel.Load(file);
            using var session = Session(model, result.GetValue(batch), threads.Value(result) ?? 1, given);
            var rates = MachineRates.Measure(model);
            var times = NetworkTimes.Measure(session);
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(json)) JsonLine.Write(output, Report(session, times, rates));
            else TimeTable.Write(Consoles.For(output), session, times, rates);
        });
        return command;
    }

    private static NetworkSession Session(CompiledModel model, int batch, int threads, (int Height, int Width)? size)
    {
        var session = model.CreateSession(batch, threads, size?.Height, size?.Width);
        return (long)batch * Math.Max(session.ImageLength, model.Spec.NumClasses) <= Array.MaxLength
            ? session
            : throw new UserError(
                $"--batch is {batch}: so many images of {session.Height}×{session.Width} are more than one run takes.");
    }

    private static object Report(NetworkSession session, NetworkTimes times, MachineRates rates) => new
    {
        model = session.Model.Spec.Name,
        session.Model.Kernel,
        input = new[] { session.MaxBatch, session.Model.Spec.InputChannels, session.Height, session.Width },
        session.Threads,
        times.Runs,
        milliseconds = times.Run.TotalMilliseconds,
        times.Macs,
        session.Model.WeightBytes,
        session.MemoryBytes,
        machine = new
        {
            gigaMacsPerSecond = rates.GigaMacs,
            weightsGigabytesPerSecond = rates.Weights,
            secondLevelGigabytesPerSecond = rates.SecondLevel,
            memoryGigabytesPerSecond = rates.Memory,
        },
        layers = times.Steps.Select(step => new
        {
            step.Name,
            step.Macs,
            milliseconds = step.Time.TotalMilliseconds,
            step.GigaMacsPerSecond,
            share = step.Time / times.Sum,
        }),
    };
}
