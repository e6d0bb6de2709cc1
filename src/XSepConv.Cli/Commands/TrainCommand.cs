using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Options;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Startup;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv train</c>.</summary>
internal sealed class TrainCommand
{
    private static readonly TrainingOptions Defaults = new() { Network = MobileNetV3SmallSpec.XSep(), OutputDirectory = "" };

    private readonly DataOptions data = new(
        hasDefault: true, "What to learn: generated shapes (synthetic), a published set, or a folder of images (--data-root).",
        usual: UsualImages.OwnOrInit);

    private readonly NetworkOptions network = new();
    private readonly InitOptions init = new();
    private readonly DeviceOptions device = new();
    private readonly RecipeOptions recipe = new();
    private readonly Option<int> seed = CheckedOption.Whole(
        "--seed", 0, int.MaxValue, Defaults.Seed, "Decides weights, order and augmentation: same seed and threads, same bits (on CPU).");

    private readonly Option<int> workers = CheckedOption.Whole(
        "--workers", 0, 64, Defaults.Workers, "Batches prepared while a step runs. The results are the same for any number.");

    private readonly RunOptions run = new(
        "run", "Where last.safetensors, best.safetensors, log.jsonl and curves.png go. Default: runs/ and the name of the data.");

    private readonly Option<int?> saveEvery = CheckedOption.OptionalWhole(
        "--save-every", 1, int.MaxValue, "Save every so many steps too, not only after each epoch.");

    private readonly DistributedOptions distributed = new();
    private readonly Option<bool> json = CheckedOption.Flag(
        "--json", "Print the result as one line of JSON; everything else goes to stderr.");

    private TrainCommand()
    {
    }

    public static Command Create()
    {
        var train = new TrainCommand();
        var command = new ToolCommand("train", "Train a network, validate it after each epoch, and test the best epoch once.")
        {
            Examples =
            [
                "xsepconv train                                      generated shapes, three epochs, into runs/shapes",
                "xsepconv train --data fashion-mnist --epochs 3 --out runs/fashion",
                "xsepconv train --data fashion-mnist --epochs 3 --out runs/fashion --resume",
                "xsepconv train --network mobilenet-v3-small-twin --out runs/twin --json > twin.json",
                "xsepconv train --data folder --data-root photos --init net.safetensors --freeze 2 --head-lr 0.1",
                "xsepconv train --data cifar-10 --recipe standard --ema 0.999 --patience 10",
                "mpirun -np 2 xsepconv train --distributed mpi      one network, by two processes (Open MPI)",
            ],
        };
        command.Add("Data", train.data.All);
        command.Add("Network", train.network.All);
        command.Add("Start", train.init.All);
        train.recipe.AddTo(command);
        command.Add("Device", [.. train.device.All, train.workers, train.seed, train.distributed.Option]);
        train.run.AddTo(command, [train.saveEvery, train.json]);
        command.SetAction(train.Run);
        return command;
    }

    private int Run(ParseResult result)
    {
        using var processes = distributed.Join(result, result.InvocationConfiguration.Error);
        return processes.Size == 1
            ? Run(result, processes)
            : DistributedOptions.Together(processes, result.InvocationConfiguration.Error, () => Run(result, processes));
    }

    private int Run(ParseResult result, ProcessGroup processes)
    {
        var invocation = result.InvocationConfiguration;
        var screen = !processes.IsFirst ? TextWriter.Null : result.GetValue(json) ? invocation.Error : invocation.Output;
        using var interrupts = new Interrupts();
        var output = run.Directory(result, data.Name(result)!);
        var (trainer, options, note) = DistributedOptions.Agree(processes, () => Prepare(result, output, screen, processes, interrupts));
        var preset = options.InitialWeights is not null ? null
            : PresetOption.NameOf(network.Preset(result, (trainer.Plan.Data.Train.Height, trainer.Plan.Data.Train.Width)));
        var view = new TrainingScreen(Consoles.For(screen), options, preset, recipe.Describe(result), trainer.Plan, interrupts.Token);
        view.Introduce(TypedLine.Of(result), note);
        var outcome = Train(trainer, view, interrupts.Token);
        if (result.GetValue(json) && processes.IsFirst) JsonLine.Write(invocation.Output, Report(outcome, trainer.Plan, output));
        view.Conclude(outcome, output, run.ResumeLine(result));
        return outcome.Completed ? ExitCode.Done : interrupts.ExitCode;
    }

    private (Trainer Trainer, TrainingOptions Options, string? Note) Prepare(
        ParseResult result, string output, TextWriter screen, ProcessGroup processes, Interrupts interrupts)
    {
        var chosenDevice = device.Prepare(result);
        var known = init.Data(result, network, run.Resume(result));
        data.RequireOutside(result, output);
        if (processes.IsFirst) run.RequireRight(result, output, Checkpoint.LastFileName, RunDirectory.FileOfRun(output));
        try
        {
            var images = data.Open(result, data.Name(result)!, result.GetValue(seed), screen, interrupts.Token, like: known);
            var options = Options(result, images, output, chosenDevice);

            // A run goes on as it began, and the processes of one run would take each other for strangers.
            var busy = options.Resume || processes.Size > 1 ? null : device.BesideOthers(result, chosenDevice);
            options = busy is var (threads, _) ? options with { Threads = threads } : options;
            return (new Trainer(options, images, processes), options, busy?.Note);
        }
        catch (OperationCanceledException) when (interrupts.Token.IsCancellationRequested)
        {
            throw new UserError("Stopped before training; nothing was changed.", interrupts.ExitCode);
        }
    }

    private TrainingOptions Options(ParseResult result, ImageDataset images, string output, string chosenDevice)
    {
        var size = (images.Train.Height, images.Train.Width);
        var start = init.Start(result, images, output) ?? new()
        {
            Network = network.Spec(result, images.Train.Channels, images.ClassNames.Count, size),
            OutputDirectory = output,
        };
        return recipe.Apply(result, start with
        {
            LearningRates = init.LearningRates(result),
            Workers = result.GetValue(workers),
            Seed = result.GetValue(seed),
            Threads = device.Threads(result),
            Device = chosenDevice,
            Resume = run.Resume(result),
            Overwrite = run.Overwrite(result),
            CheckpointSteps = result.GetValue(saveEvery),
        });
    }

    private static TrainingResult Train(Trainer trainer, TrainingScreen view, CancellationToken cancel)
    {
        try
        {
            return view.Show(progress => trainer.Run(progress, cancel));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What was read was right; now the run can't be written.
            throw new UserError(e.Message, ExitCode.Failed);
        }
    }

    private static object Report(TrainingResult outcome, TrainingPlan plan, string output) => new
    {
        outcome.Completed,
        epochs = outcome.EpochsDone,
        bestEpoch = outcome.BestEpoch == 0 ? (int?)null : outcome.BestEpoch,
        bestValidationTop1 = double.IsFinite(outcome.BestValidationTop1) ? outcome.BestValidationTop1 : (double?)null,
        outcome.Test,
        data = new { classes = plan.Data.CountByClass(), found = DataTable.Report(plan.Data.Findings) },
        output,
    };
}
