using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Startup;
using XSepConv.Training;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv train</c>.</summary>
internal sealed class TrainCommand
{
    private static readonly TrainingOptions Defaults = new() { Network = MobileNetV3SmallSpec.XSep(), OutputDirectory = "" };

    private readonly DataOptions data = new(hasDefault: true, "What to learn: generated shapes (synthetic), a published set, or a folder of images (--data-root).");
    private readonly NetworkOptions network = new(ImagePreset.Cifar);
    private readonly DeviceOptions device = new();
    private readonly RecipeOptions recipe = new();
    private readonly Option<int> seed = CheckedOption.Whole("--seed", 0, int.MaxValue, Defaults.Seed, "Decides weights, order and augmentation: same seed and threads, same bits (on CPU).");
    private readonly Option<int> workers = CheckedOption.Whole("--workers", 0, 64, Defaults.Workers, "Batches prepared while a step runs. The results are the same for any number.");
    private readonly Option<string> directory = CheckedOption.Text("--out", "DIR", "Where last.safetensors, best.safetensors, log.jsonl and curves.png go. Default: runs/ and the name of the data.");
    private readonly Option<int?> saveEvery = CheckedOption.OptionalWhole("--save-every", 1, int.MaxValue, "Save every so many steps too, not only after each epoch.");
    private readonly DistributedOptions distributed = new();
    private readonly Option<bool> resume = CheckedOption.Flag("--resume", "Continue the run in --out. Give the options that it was started with.");
    private readonly Option<bool> overwrite = CheckedOption.Flag("--overwrite", "Replace the run in --out.");
    private readonly Option<bool> json = CheckedOption.Flag("--json", "Print the result as one line of JSON; everything else goes to stderr.");

    private TrainCommand()
    {
    }

    public static Command Create()
    {
        var train = new TrainCommand();
        var command = new Command("train", "Train a network, validate it after each epoch, and test the best epoch once.");
        train.data.AddTo(command);
        train.network.AddTo(command);
        train.recipe.AddTo(command);
        command.Add(train.seed);
        train.device.AddTo(command);
        train.distributed.AddTo(command);
        foreach (var option in new Option[] { train.workers, train.directory, train.saveEvery, train.resume, train.overwrite, train.json }) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(train.resume) && result.GetValue(train.overwrite)) result.AddError("--resume and --overwrite contradict each other.");
        });
        command.SetAction(train.Run);
        return command;
    }

    private int Run(ParseResult result)
    {
        using var processes = distributed.Join(result, result.InvocationConfiguration.Error);
        return processes.Size == 1 ? Run(result, processes) : DistributedOptions.Together(processes, result.InvocationConfiguration.Error, () => Run(result, processes));
    }

    private int Run(ParseResult result, ProcessGroup processes)
    {
        var invocation = result.InvocationConfiguration;
        var screen = !processes.IsFirst ? TextWriter.Null : result.GetValue(json) ? invocation.Error : invocation.Output;
        using var interrupts = new Interrupts();
        var output = result.GetValue(directory) ?? Path.Combine("runs", data.Name(result)!);
        var (trainer, options, note) = DistributedOptions.Agree(processes, () => Prepare(result, output, screen, processes, interrupts));
        var view = new TrainingScreen(Consoles.For(screen), options, recipe.Describe(result), trainer.Plan, interrupts.Token);
        view.Introduce(TypedLine.Of(result), note);
        var outcome = Train(trainer, view, interrupts.Token);
        if (result.GetValue(json) && processes.IsFirst) JsonLine.Write(invocation.Output, Report(outcome, trainer.Plan, output));
        view.Conclude(outcome, output, TypedLine.Of(result, leaveOut: [overwrite.Name, resume.Name], add: resume.Name));
        return outcome.Completed ? ExitCode.Done : interrupts.ExitCode;
    }

    private (Trainer Trainer, TrainingOptions Options, string? Note) Prepare(ParseResult result, string output, TextWriter screen, ProcessGroup processes, Interrupts interrupts)
    {
        var chosenDevice = device.Prepare(result);
        if (processes.IsFirst) RefuseWrongDirectory(result, output);
        try
        {
            var images = data.Open(result, data.Name(result)!, result.GetValue(seed), screen, interrupts.Token);
            var options = Options(result, images, output, chosenDevice);

            // A run goes on as it began, and the processes of one run would take each other for strangers.
            var busy = options.Resume || processes.Size > 1 ? null : device.BesideOthers(result, chosenDevice);
            options = busy is var (threads, _) ? options with { Threads = threads } : options;
            return (MakeTrainer(options, images, processes), options, busy?.Note);
        }
        catch (OperationCanceledException) when (interrupts.Token.IsCancellationRequested)
        {
            throw new UserError("Stopped before training; nothing was changed.", interrupts.ExitCode);
        }
    }

    /// <summary>What the trainer would refuse too, said in the words of the command line, and before any data are read.</summary>
    private void RefuseWrongDirectory(ParseResult result, string output)
    {
        var last = Path.Combine(output, Checkpoint.LastFileName);
        var exists = File.Exists(last);
        if (result.GetValue(resume) && !exists)
        {
            throw new UserError($"There is nothing to resume: {last} does not exist. Give the --out of the run, or leave --resume out to start one.");
        }

        if (exists && !result.GetValue(resume) && !result.GetValue(overwrite))
        {
            throw new UserError($"{output} holds a run already. Continue it with --resume, replace it with --overwrite, or give another --out.");
        }
    }

    private TrainingOptions Options(ParseResult result, ImageDataset images, string output, string chosenDevice) => recipe.Apply(result, new()
    {
        Network = network.Spec(result, images.Train.Channels, images.ClassNames.Count),
        OutputDirectory = output,
        Workers = result.GetValue(workers),
        Seed = result.GetValue(seed),
        Threads = device.Threads(result),
        Device = chosenDevice,
        Resume = result.GetValue(resume),
        Overwrite = result.GetValue(overwrite),
        CheckpointSteps = result.GetValue(saveEvery),
    }, images);

    private static Trainer MakeTrainer(TrainingOptions options, ImageDataset images, ProcessGroup processes)
    {
        try
        {
            return new Trainer(options, images, processes);
        }
        catch (ArgumentException e)
        {
            throw UserError.From(e);
        }
        catch (TrainingRefusedException e)
        {
            throw new UserError(e.Message);
        }
    }

    private static TrainingResult Train(Trainer trainer, TrainingScreen view, CancellationToken cancel)
    {
        try
        {
            return view.Show(progress => trainer.Run(progress, cancel));
        }
        catch (Exception e) when (e is TrainingDivergedException or TrainingMemoryException)
        {
            throw new UserError(e.Message, ExitCode.Failed);
        }
        catch (TrainingRefusedException e)
        {
            throw new UserError(e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
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
        data = new { plan.Classes, found = DataTable.Report(plan.Findings) },
        output,
    };
}
