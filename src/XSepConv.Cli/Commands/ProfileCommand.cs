using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Options;
using XSepConv.Cli.Profiling;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Commands;

/// <summary>
/// <c>xsepconv profile</c>: where a network's time goes, layer by layer: compiled, which runs without libtorch, or in training.
/// </summary>
internal static class ProfileCommand
{
    private const int DefaultClasses = 1000, TrainingBatch = 32;

    public static Command Create()
    {
        var checkpoint = new CheckpointOption(
            "A checkpoint of train. Default: the network that the options describe, with random weights.", required: false);
        var network = new NetworkOptions();
        var classes = CheckedOption.OptionalWhole(
            "--classes", 1, 100_000, $"How many classes the network tells apart, {DefaultClasses} by default.");
        var training = CheckedOption.Flag(
            "--training", "Measure a training step (forward, loss, backward), block by block, instead of inference.");
        var batch = CheckedOption.OptionalWhole(
            "--batch", 1, 65_536, $"Images at once. Default: 1; with --training {TrainingBatch}, at least 2.").Or("--batch-size", "-b");
        var threads = new ThreadsOption(
            "Threads of a whole run, at most one a core; at inference the layers are measured on one. Default: 1.");
        var size = new ImageSizeOption(
            "Height and width of the images. Default: those of the checkpoint's data; 224, with --preset cifar 32.");
        var json = CheckedOption.Flag("--json", "Print one line of JSON.");
        var command = new ToolCommand(
            "profile", "Measure where a network's time goes, at inference or in training, beside what the machine allows.")
        {
            Examples =
            [
                "xsepconv profile                                    the paper's network at 3×224×224, random weights",
                "xsepconv profile --checkpoint runs/shapes/best.safetensors --batch 32",
                "xsepconv profile --network mobilenet-v3-small-twin --image-size 160 --threads 2 --json",
                "xsepconv profile --training --preset cifar --batch 64",
            ],
        };
        command.Add("Network", [checkpoint.Option, .. network.All, classes]);
        command.Add("Run", [training, size.Option, batch, threads.Option]);
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
            var spec = file is null ? network.Spec(result, 3, result.GetValue(classes) ?? DefaultClasses, given) : null;
            var (images, on) = (result.GetValue(batch), threads.Value(result) ?? 1);
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(training)) Train(output, file, spec, images ?? TrainingBatch, on, given, result.GetValue(json));
            else Infer(output, file, spec, images ?? 1, on, given, result.GetValue(json));
        });
        return command;
    }

    private static void Infer(
        TextWriter output, string? file, NetworkSpec? spec, int batch, int threads, (int Height, int Width)? size, bool json)
    {
        var model = spec is null ? CompiledModel.Load(file!) : RandomWeights.Compile(spec);
        using var session = Session(model, batch, threads, size);
        var rates = MachineRates.Measure(model);
        var times = NetworkTimes.Measure(session);
        if (json) JsonLine.Write(output, Report(session, times, rates));
        else TimeTable.Write(Consoles.For(output), session, times, rates);
    }

    private static void Train(
        TextWriter output, string? file, NetworkSpec? spec, int batch, int threads, (int Height, int Width)? size, bool json)
    {
        using var step = ProfiledStep.Open(file, spec, batch, size);
        var times = step.Measure(threads);
        if (json) JsonLine.Write(output, Report(step, threads, times));
        else TrainingTimeTable.Write(Consoles.For(output), step, threads, times);
    }

    private static NetworkSession Session(CompiledModel model, int batch, int threads, (int Height, int Width)? size)
    {
        var session = model.CreateSession(batch, threads, size?.Height, size?.Width);
        return (long)batch * Math.Max(session.ImageLength, model.Spec.Outputs) <= Array.MaxLength
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

    private static object Report(ProfiledStep step, int threads, TrainingTimes times) => new
    {
        model = step.Network.Spec.Name,
        training = true,
        input = new[] { step.Batch, step.Network.Spec.InputChannels, step.Height, step.Width },
        threads,
        times.Steps,
        milliseconds = times.Step.TotalMilliseconds,
        outsideMilliseconds = times.Outside.TotalMilliseconds,
        times.Macs,
        times.TrainingMacs,
        times.KeptBytes,
        machine = new
        {
            gigaMacsPerSecond = times.PeakGigaMacs,
            memoryGigabytesPerSecond = times.MemoryGigabytes,
        },
        layers = times.Rows.Select(row => new
        {
            row.Name,
            runsAs = TrainingTimeTable.Word(row.RunsAs),
            forwardMilliseconds = row.Forward.TotalMilliseconds,
            backwardMilliseconds = row.Backward.TotalMilliseconds,
            share = row.Time / times.Sum,
            row.Macs,
            row.TrainingMacs,
            row.GigaMacsPerSecond,
            row.KeptBytes,
        }),
    };
}
