using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Startup;
using XSepConv.Training;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv evaluate</c>: how well a checkpoint does on test images.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        var checkpoint = CheckedOption.Text("--checkpoint", "FILE", "A best.safetensors or last.safetensors of train. It says itself which network it holds.");
        checkpoint.Required = true;
        var data = new DataOptions(hasDefault: false, "Whose test images. Default: of the data that the checkpoint was trained on.");
        var batch = CheckedOption.Whole("--batch", 1, 65_536, 256, "Images at once.");
        var device = new DeviceOptions();
        var json = CheckedOption.Flag("--json", "Print one line of JSON; everything else goes to stderr.");
        var command = new Command("evaluate", "Measure a trained network on test images.") { checkpoint };
        data.AddTo(command);
        command.Add(batch);
        device.AddTo(command);
        command.Add(json);
        command.SetAction(result =>
        {
            var invocation = result.InvocationConfiguration;
            var screen = result.GetValue(json) ? invocation.Error : invocation.Output;
            var path = result.GetValue(checkpoint)!;
            using var interrupts = new Interrupts();
            var chosenDevice = device.Prepare(result);
            try
            {
                using var loaded = Checkpoint.Load(path, TorchDevice.Parse(chosenDevice));
                var images = data.Open(result, data.Name(result) ?? KnownData(loaded, path), seed: 0, screen, interrupts.Token, knownSize: loaded.ImageShape.Height, trained: loaded);
                RefuseOtherData(loaded, images, path);
                var console = Consoles.For(screen);
                var outcome = EvaluationScreen.Show(console, images.Test.Count, progress =>
                    Evaluator.Evaluate(loaded.Network, images.Test, loaded.Normalization, result.GetValue(batch), progress, interrupts.Token));
                if (result.GetValue(json)) JsonLine.Write(invocation.Output, new { outcome.Top1, outcome.Loss, outcome.Images });
                else Write(console, path, loaded, images, outcome);
                return ExitCode.Done;
            }
            catch (OperationCanceledException) when (interrupts.Token.IsCancellationRequested)
            {
                throw new UserError("Stopped before the last image.", interrupts.ExitCode);
            }
        });
        return command;
    }

    private static string KnownData(LoadedCheckpoint loaded, string path) => DatasetCatalog.Names.Contains(loaded.DataName)
        ? loaded.DataName
        : throw new UserError($"{path} was trained on '{loaded.DataName}', which is none of {string.Join(", ", DatasetCatalog.Names)}; say which with --data.");

    private static void RefuseOtherData(LoadedCheckpoint loaded, ImageDataset images, string path)
    {
        var shape = (images.Test.Channels, images.Test.Height, images.Test.Width);
        if (shape.Channels != loaded.ImageShape.Channels || !images.ClassNames.SequenceEqual(loaded.ClassNames))
        {
            throw new UserError(
                $"{path} was trained on {loaded.DataName}, {Shape(loaded.ImageShape)} images of {Few(loaded.ClassNames)}; {images.Name} has {Shape(shape)} images of {Few(images.ClassNames)}.");
        }

        static string Shape((int Channels, int Height, int Width) shape) => $"{shape.Channels}×{shape.Height}×{shape.Width}";
        static string Few(IReadOnlyList<string> names) => $"{names.Count} classes ({string.Join(", ", names.Take(2))}, …)";
    }

    private static void Write(IAnsiConsole console, string path, LoadedCheckpoint loaded, ImageDataset images, EvaluationResult outcome)
    {
        var culture = CultureInfo.InvariantCulture;
        Facts.Write(
            console,
            ("checkpoint", path),
            ("network", string.Create(culture, $"{loaded.Spec.Name} after epoch {loaded.Epoch}")),
            ("data", string.Create(culture, $"{outcome.Images:N0} test images of {images.Name}{(images.IsSynthetic ? ", synthetic" : "")} ({images.Source})")),
            ("top-1", string.Create(culture, $"{100 * outcome.Top1:0.00} %")),
            ("loss", string.Create(culture, $"{outcome.Loss:0.0000}")));
    }
}
