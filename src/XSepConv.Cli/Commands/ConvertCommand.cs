using System.CommandLine;
using System.Text.Json.Nodes;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Options;
using XSepConv.Cli.Startup;
using XSepConv.Cli.Terminal;
using XSepConv.Training;
using static TorchSharp.torch;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv convert</c>: a network with XSepConv where it had large depthwise kernels.</summary>
internal sealed class ConvertCommand
{
    // Of a few hundred images the fit gets what it needs; they go through the network at once.
    private const int MostImages = 256;

    private readonly CheckpointOption checkpoint = new("A checkpoint of train or import, or a network saved by SaveSafeTensors.");

    private readonly DataOptions data = new(
        hasDefault: false,
        "Fit the new kernels to the old ones on training images of a set; without, they are random, to be trained.",
        name: "--fit",
        usual: UsualImages.OfCheckpoint with { Limit = $"{MostImages}" });

    private readonly Option<int?> kernel = CheckedOption.OptionalWhole(
        "--kernel", 3, NetworkSpec.LargestKernel, "The smallest kernel that is replaced at stride 1 (5 without).");

    private readonly Option<int?> strided = CheckedOption.OptionalWhole(
        "--strided-kernel", 3, NetworkSpec.LargestKernel,
        "The smallest that is replaced at stride 2, where XSepConv saves MACs from 7 (7 without, or --kernel where that is larger).");

    private readonly Option<int> steps = CheckedOption.Whole(
        "--steps", 0, 100_000, new ConversionOptions().FitSteps, "Steps of Adam for each fit, after the closed form.");

    private readonly DeviceOptions device = new();

    private readonly Option<string> destination = CheckedOption.Text(
        "--out", "FILE", "The checkpoint to write, or - for standard output.").Or("-o", "--output");

    private readonly Option<bool> json = CheckedOption.Flag("--json", "Print the report as one line of JSON.");

    private ConvertCommand() => destination.Required = true;

    public static Command Create()
    {
        var convert = new ConvertCommand();
        var command = new ToolCommand("convert", "Put XSepConv into a network, where it has large depthwise kernels.")
        {
            Examples =
            [
                "xsepconv convert --checkpoint net.safetensors --fit folder --data-root pictures --out xsep.safetensors",
                "xsepconv convert --checkpoint net.safetensors --kernel 5 --out xsep.safetensors    random kernels, to be trained",
            ],
        };
        command.Add("Network", [convert.checkpoint.Option, convert.kernel, convert.strided]);
        command.Add("Fit", [.. convert.data.All, convert.steps]);
        command.Add("Device", [.. convert.device.All]);
        command.Add("Output", [convert.destination, convert.json]);
        command.Validators.Add(result =>
        {
            foreach (var option in new[] { convert.kernel, convert.strided })
            {
                if (result.GetResult(option) is { Tokens: [var token] } && int.TryParse(token.Value, out var number) && number % 2 == 0)
                {
                    result.AddError($"{option.Name} is '{token.Value}': kernels are odd.");
                }
            }
        });
        command.SetAction(result => Interrupts.During("Stopped; nothing was written.", interrupts => convert.Run(result, interrupts)));
        return command;
    }

    private int Run(ParseResult result, Interrupts interrupts)
    {
        data.RequireName(result, steps);
        var invocation = result.InvocationConfiguration;
        var (path, output) = (checkpoint.Path(result)!, OutputFile.Of(result.GetValue(destination)!));
        var written = StreamingFile.IsStandardOutput(output) ? invocation.Error : invocation.Output;
        var screen = result.GetValue(json) ? invocation.Error : written;
        OutputFile.RequireOther(output, path, "the checkpoint");
        var chosenDevice = device.Prepare(result);
        using var source = ExportSource.Open(path, TorchDevice.Parse(chosenDevice));
        using var scope = NewDisposeScope();
        var images = Images(result, path, source, screen, interrupts.Token);
        if (images is not null && device.BesideOthers(result, chosenDevice) is var (threads, note))
        {
            set_num_threads(threads);
            screen.WriteLine($" note: {note}");
        }

        var size = Size(images, source);
        var least = result.GetValue(kernel) ?? new ConversionOptions().MinKernel;

        // New kernels are drawn before they are fitted, or trained: the same command gives the same file.
        using var seed = manual_seed(0);
        var (network, report) = Converted(source.Network, size, new()
        {
            MinKernel = least,
            MinKernelStride2 = result.GetValue(strided) ?? Math.Max(least, new ConversionOptions().MinKernelStride2),
            Initialise = images is null ? KernelInitialisation.Random : KernelInitialisation.Fit,
            Calibration = images,
            FitSteps = result.GetValue(steps),
            CancellationToken = interrupts.Token,
        });
        using (network)
        {
            interrupts.Token.ThrowIfCancellationRequested();

            // What an epoch came to was another network's.
            network.SaveSafeTensors(output, source.Metadata.Where(entry => entry.Key == DataSpec.MetadataKey).ToDictionary());
        }

        if (result.GetValue(json))
        {
            // What ToJson gives, which a program may take the line for.
            var line = JsonNode.Parse(report.ToJson())!.AsObject();
            line["file"] = output;
            line["imageSize"] = new JsonArray(size.Height, size.Width);
            JsonLine.Write(written, line);
            return ExitCode.Done;
        }

        foreach (var line in report.ToString().TrimEnd().Split('\n')) screen.WriteLine(Printable.Line(line));
        screen.WriteLine($"{Printable.Line(output)}: {(images is null ? "its new kernels are random: train it" : "fitted")}");
        return ExitCode.Done;
    }

    // Of the images that were fitted on; a network alone is counted as it was trained.
    private static (int Height, int Width) Size(Tensor? images, ExportSource source) =>
        images is { shape: [_, _, var height, var width] } ? ((int)height, (int)width)
        : source.Training?.ImageShape is { } trained ? (trained.Height, trained.Width)
        : (source.Network.Spec.DefaultImageSize, source.Network.Spec.DefaultImageSize);

    private ConvertedNetwork Converted(MobileNet network, (int Height, int Width) size, ConversionOptions options)
    {
        try
        {
            return NetworkConverter.Convert(network, size, options);
        }
        catch (InvalidOperationException e) when (e is not ObjectDisposedException)
        {
            // The library names its own options, which nobody typed. The longer name first: it begins with the shorter one.
            var hint = e.Message.Contains(nameof(options.MinKernel), StringComparison.Ordinal)
                ? $" {kernel.Name} and {strided.Name} take smaller ones."
                : "";
            throw new UserError(
                e.Message.Replace(nameof(options.MinKernelStride2), strided.Name, StringComparison.Ordinal)
                    .Replace(nameof(options.MinKernel), kernel.Name, StringComparison.Ordinal)
                    .Replace(
                        $"{nameof(KernelInitialisation)}.{nameof(KernelInitialisation.Random)}", "random kernels (without --fit)",
                        StringComparison.Ordinal)
                    .Replace(nameof(options.FitSteps), steps.Name, StringComparison.Ordinal) + hint);
        }
    }

    private Tensor? Images(ParseResult result, string path, ExportSource source, TextWriter screen, CancellationToken cancel)
    {
        if (data.Name(result) is not { } name) return null;
        var trained = source.Training ?? throw new UserError(
            $"{path} does not say how its images were normalised, so that nothing can be fitted on others; leave out --fit.");
        var split = data.OpenForFit(result, name, CheckpointImages.Of(path, trained), screen, MostImages, cancel).Train;
        if (split.Count < 2) throw new UserError($"--fit is '{name}', which has {split.Count} training image; a fit takes at least 2.");
        if (BatchSource.Misfit(split, split.Count) is { } problem)
        {
            throw new UserError($"The {problem}, and --fit takes all its images at once; --limit takes fewer.");
        }

        foreach (var batch in BatchSource.ForEvaluation(split, trained.Normalization, split.Count).From(0, ahead: 0))
        {
            var weight = source.Network.parameters().First();
            return TensorBatch.Images(batch, split, weight.device, weight.dtype);
        }

        return null;
    }
}
