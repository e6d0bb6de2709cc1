using System.CommandLine;
using Spectre.Console;
using TorchSharp;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Options;
using XSepConv.Cli.Profiling;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Startup;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv evaluate</c>: how well a checkpoint does on test images or a folder.</summary>
internal static class EvaluateCommand
{
    private const string OtherTestImages =
        "warning: these are not the test images that were kept from the network in training (another folder, or pictures were added, "
        + "removed, renamed or changed since): it may have learned some of them.";

    public static Command Create()
    {
        var checkpoint = new CheckpointOption("A best.safetensors or last.safetensors of train. It says itself which network it holds.");
        var data = new DataOptions(
            hasDefault: false,
            "Whose images: of a published set its test images, or a folder of your own. Default: the data that "
                + "the checkpoint was trained on.",
            usual: UsualImages.OfCheckpoint);
        var split = CheckedOption.OptionalMember<EvaluatedSplit>(
            "--split", "Which images of 'folder': its test images where it has folders for the splits, else all.");
        var batch = CheckedOption.OptionalWhole(
            "--batch", 1, 65_536, "Images at once. Default: 256, fewer of large images, as when training validates.")
            .Or("--batch-size", "-b");
        var shift = CheckedOption.OptionalWhole(
            "--shift", 1, 64,
            "Also measure with the images moved by 1 to N pixels to each side, where what comes in is the mean that images are "
                + "normalised by: how much hangs on where things stand.");
        var device = new DeviceOptions();
        var json = CheckedOption.Flag(
            "--json", "Print one line of JSON, with each class and what it was taken for; everything else goes to stderr.");
        var command = new ToolCommand("evaluate", "Measure a trained network on test images, or on a folder of your own.")
        {
            Examples =
            [
                "xsepconv evaluate --checkpoint runs/fashion/best.safetensors",
                "xsepconv evaluate --checkpoint runs/fashion/best.safetensors --data fashion-mnist --json",
                "xsepconv evaluate --checkpoint runs/folder/best.safetensors --data folder --data-root ~/other-pictures",
                "xsepconv evaluate --checkpoint runs/fashion/best.safetensors --shift 8",
            ],
        };
        command.Add("Network", [checkpoint.Option]);
        command.Add("Data", [.. data.All, split, shift]);
        command.Add("Device", [.. device.All, batch]);
        command.Add("Output", [json]);
        command.SetAction(result =>
        {
            var invocation = result.InvocationConfiguration;
            var screen = result.GetValue(json) ? invocation.Error : invocation.Output;
            var path = checkpoint.Path(result)!;
            return Interrupts.During("Stopped before the last image.", interrupts =>
            {
                var chosenDevice = device.Prepare(result);
                using var loaded = Checkpoint.Load(path, TorchDevice.Parse(chosenDevice));
                CheckpointOption.RequireClassifier(loaded.Spec, path);
                RequireNames(loaded, path);
                var name = data.Name(result) ?? KnownData(loaded, path);
                var which = result.GetValue(split);
                if (which is not null && name != DatasetCatalog.Folder)
                {
                    throw new UserError($"--split is for --data {DatasetCatalog.Folder}; of {name} the test images are measured.");
                }

                var images = data.OpenForEvaluation(
                    result, name, which, CheckpointImages.Of(path, loaded), loaded.ClassNames, screen, interrupts.Token);
                var furthest = result.GetValue(shift) ?? 0;
                if (Math.Min(images.Images.Height, images.Images.Width) is var side && furthest >= side)
                {
                    throw new UserError($"--shift is {furthest}, the images have a side of {side} pixels: give less.");
                }

                var console = Consoles.For(screen);
                string[] notes = [.. Notes(loaded, images, which)];
                if (SameTestImages(loaded, images) == false)
                {
                    ErrorText.Write(invocation.Error, $"{ErrorText.Tool} {command.Name}", OtherTestImages);
                }

                if (device.BesideOthers(result, chosenDevice) is var (threads, note))
                {
                    torch.set_num_threads(threads);
                    console.WriteLine($" note: {note}");
                }

                var atOnce = result.GetValue(batch) ?? Evaluator.BatchSize(1, images.Images);
                var (outcome, confusion) = EvaluationScreen.Show(console, images.Images.Count, progress => Evaluator.EvaluateByClass(
                    loaded.Network, images.Images, loaded.Normalization, atOnce, progress, interrupts.Token));
                if (!result.GetValue(json)) Write(console, path, loaded, images, outcome, confusion);
                var shifted = furthest == 0 ? [] : EvaluationScreen.Show(console, 4 * furthest, progress => ShiftedImages.Measure(
                    loaded, images.Images, furthest, atOnce, progress, interrupts.Token));
                if (result.GetValue(json)) JsonLine.Write(invocation.Output, Report(loaded, images, outcome, confusion, shifted, notes));
                else if (shifted.Count > 0) ShiftTable.Write(console, outcome.Top1, shifted);
                DataTable.Write(console, images.Findings with { Warnings = [.. images.Findings.Warnings, .. notes] });
                return ExitCode.Done;
            });
        });
        return command;
    }

    private static void RequireNames(LoadedCheckpoint loaded, string path)
    {
        if (!Pretrained.HasNoNames(loaded.DataName, loaded.ClassNames)) return;
        throw new UserError(
            $"{path} was imported without the names of its classes, and images are matched to classes by name: import it again with "
            + "--classes FILE, which has a name in each line, in the order of the logits.");
    }

    // Null where one of the two is not known.
    private static bool? SameTestImages(LoadedCheckpoint loaded, EvaluationImages images) =>
        loaded.TestImages is { } kept ? images.AreTestImages?.Invoke(kept) : null;

    private static string KnownData(LoadedCheckpoint loaded, string path) => DatasetCatalog.Names.Contains(loaded.DataName)
        ? loaded.DataName
        : throw new UserError(
            $"{path} was trained on '{loaded.DataName}', which is none of "
                + $"{string.Join(", ", DatasetCatalog.Names)}; say which with --data.");

    private static IEnumerable<string> Notes(LoadedCheckpoint loaded, EvaluationImages images, EvaluatedSplit? asked)
    {
        var (height, width) = (images.Images.Height, images.Images.Width);
        if ((height, width) != (loaded.ImageShape.Height, loaded.ImageShape.Width))
        {
            yield return $"the images are {height}×{width}; the network was trained on "
                + $"{loaded.ImageShape.Height}×{loaded.ImageShape.Width}.";
        }

        if (images.Split == EvaluatedSplit.All && asked is null)
        {
            yield return "all images of the folder; where the network learned from this folder, --split test "
                + "measures those that it did not see.";
        }
    }

    private static object Report(
        LoadedCheckpoint loaded, EvaluationImages images, EvaluationResult outcome, ConfusionMatrix confusion,
        IReadOnlyList<ShiftedImages> shifted, string[] notes) => new
        {
            outcome.Top1,
            outcome.Loss,
            outcome.Images,
            meanClassTop1 = confusion.MeanTop1(),
            split = images.Split.ToString().ToLowerInvariant(),
            sameTestImages = SameTestImages(loaded, images),
            imageSize = new[] { images.Images.Height, images.Images.Width },
            classes = loaded.ClassNames.Select((name, label) => new
            {
                name,
                images = confusion.ImagesOf(label),
                right = confusion[label, label],
                top1 = confusion.Top1Of(label),
                unanswered = confusion.UnansweredOf(label),
            }),

            // A row a class, a column what it was taken for, both in the order of the classes; what is unanswered is in no column.
            confusion = Enumerable.Range(0, confusion.Classes).Select(actual =>
                Enumerable.Range(0, confusion.Classes).Select(predicted => confusion[actual, predicted])),

            // Top-1 of the images moved by so many pixels, to each side.
            shifted,
            found = DataTable.Report(images.Findings with { Warnings = [.. images.Findings.Warnings, .. notes] }),
        };

    private static void Write(
        IAnsiConsole console, string path, LoadedCheckpoint loaded, EvaluationImages images, EvaluationResult outcome,
        ConfusionMatrix confusion)
    {
        var split = images.Split == EvaluatedSplit.All ? "" : $"{images.Split.ToString().ToLowerInvariant()} ";
        Facts.Write(
            console,
            ("checkpoint", path),
            ("network", loaded.Epoch > 0 ? $"{loaded.Spec.Name} after epoch {loaded.Epoch}" : loaded.Spec.Name),
            ("data", $"{outcome.Images:N0} {split}images of {images.Name}{(images.IsSynthetic ? ", synthetic" : "")} ({images.Source})"),
            ("top-1", $"{100 * outcome.Top1:0.00} %, mean over classes {100 * confusion.MeanTop1():0.00} %"),
            ("loss", $"{outcome.Loss:0.0000}"));
        ClassTable.Write(console, confusion, loaded.ClassNames);
    }
}
