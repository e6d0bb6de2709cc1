using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Options;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv import</c>: pretrained weights of other libraries as a checkpoint. Runs without libtorch.</summary>
internal sealed class ImportCommand
{
    private const int LongestName = 200;

    private static readonly string[] Sources = [.. Enum.GetNames<PretrainedSource>().Select(name => name.ToLowerInvariant())];
    private static readonly string[] Models = [.. Enum.GetValues<PretrainedSource>().SelectMany(Pretrained.Models)];

    // Byte order marks are taken for what they are.
    private static readonly UTF8Encoding StrictText = new(encoderShouldEmitUTF8Identifier: true, throwOnInvalidBytes: true);

    private readonly Argument<string> file = new("FILE")
    {
        Description = "The model's state dict as safetensors, under the names that the library has for its tensors.",
    };

    private readonly Option<string?> from = CheckedOption.OptionalChoice("--from", Sources, "Whose names they are.");

    private readonly Option<string> model = CheckedOption.Text(
        "--model", "NAME",
        $"The model by its name there: {string.Join("; ", Enum.GetValues<PretrainedSource>().Select(Known))}; or here, such as "
            + $"{PublishedSpec.MobileNetV2Name}.");

    private readonly Option<int?> channels = CheckedOption.OptionalWhole(
        "--channels", 1, NetworkSpec.MostChannels,
        "Make the first convolution fit images of so many channels, as timm does: for 1 its weights are summed, for more repeated and "
            + "scaled.");

    private readonly Option<string> destination = CheckedOption.Text(
        "--out", "FILE", "The checkpoint to write, or - for standard output: every command takes it.").Or("-o", "--output");

    private readonly Option<string> classes = CheckedOption.Text(
        "--classes", "FILE", "A text file with the name of a class in each line, in the order of the logits. Default: their numbers.");

    private readonly Option<double[]> mean = CheckedOption.Numbers(
        "--mean", NetworkSpec.MostChannels, "Mean of each channel, where a byte is a number from 0 to 1.",
        "it must be a number from 0 to 1; one of bytes, from 0 to 255, is to be divided by 255", value => value is >= 0 and <= 1);

    private readonly Option<double[]> deviation = CheckedOption.Numbers(
        "--std", NetworkSpec.MostChannels,
        "Standard deviation of each channel. Default of both: those of the model's tag in timm, else ImageNet's, 0.485,0.456,0.406 and "
            + "0.229,0.224,0.225.",
        "it must be a number above 0, and at most 1; one of bytes, from 0 to 255, is to be divided by 255", value => value is > 0 and <= 1);

    private readonly Option<int?> size = CheckedOption.OptionalWhole(
        "--image-size", 8, 1024, "Rows and columns of the images (224 without).").Or("--size");

    private readonly Option<double?> crop = CheckedOption.OptionalNumber(
        "--crop", FormattableString.Invariant($"it must be a number from {PictureScaling.LeastCrop} to 1"),
        value => value is >= PictureScaling.LeastCrop and <= 1,
        "The share of a scaled picture's shorter side that is cut out (timm's crop_pct). Default: that of the model's tag in timm, else "
            + "0.875: 224 of 256 pixels, as for torchvision's IMAGENET1K_V1; for IMAGENET1K_V2 0.9655.");

    private readonly Option<Interpolation?> interpolation = CheckedOption.OptionalMember<Interpolation>(
        "--interpolation",
        "By what pictures are scaled. Default: that of the model's tag in timm, bicubic where it has none; bilinear for torchvision.");

    private readonly Option<bool> json = CheckedOption.Flag("--json", "Print one line of JSON.");

    private ImportCommand()
    {
        from.Required = model.Required = destination.Required = true;
        model.CompletionSources.Add(Models);
    }

    public static Command Create()
    {
        var import = new ImportCommand();
        var command = new ToolCommand("import", "Make a checkpoint of pretrained weights of torchvision or timm.")
        {
            Examples =
            [
                "xsepconv import mobilenet_v3_small.safetensors --from torchvision --model mobilenet_v3_small --out net.safetensors",
                "xsepconv import net.safetensors --from torchvision --model mobilenet_v2 --channels 1 --out grey.safetensors",
                "xsepconv import model.safetensors --from timm --model mobilenetv3_large_100 --classes names.txt --out net.safetensors",
            ],
        };
        command.Add(import.file);
        command.Add("Weights", [import.from, import.model, import.channels]);
        command.Add("Data", [import.classes, import.mean, import.deviation, import.size, import.crop, import.interpolation]);
        command.Add("Output", [import.destination, import.json]);
        import.file.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && string.IsNullOrWhiteSpace(token.Value))
                result.AddError("FILE is '': it is empty; give the name of a safetensors file.");
        });
        command.Validators.Add(import.RequireKnown);
        command.SetAction(import.Run);
        return command;
    }

    private void Run(ParseResult result)
    {
        var (path, output) = (result.GetValue(file)!, OutputFile.Of(result.GetValue(destination)!));
        RegularFile.Require(path);
        OutputFile.RequireOther(output, path, "the file");
        if (result.GetValue(classes) is { } names) OutputFile.RequireOther(output, names, $"the file of {classes.Name}");
        var source = Enum.Parse<PretrainedSource>(result.GetValue(from)!, ignoreCase: true);
        using var weights = Open(path, source, result.GetValue(model)!, result.GetValue(channels));
        var data = Data(result, weights);
        weights.Write(output, data);
        var (spec, invocation) = (weights.Spec, result.InvocationConfiguration);
        var parameters = spec.ParameterCount();
        var isTold = result.GetValue(mean) is { Length: > 0 } && result.GetValue(deviation) is { Length: > 0 };
        var report = StreamingFile.IsStandardOutput(output) ? invocation.Error : invocation.Output;
        var notes = result.GetValue(json) ? invocation.Error : report;
        if (!isTold && weights.Doubt is { } doubt) notes.WriteLine($" note: {doubt} ({mean.Name}, {deviation.Name}).");
        var isScalingTold = result.GetValue(crop) is not null
            && (source == PretrainedSource.TorchVision || result.GetValue(interpolation) is not null);
        if (!isScalingTold && weights.ScalingDoubt is { } scaling)
        {
            notes.WriteLine($" note: {scaling} ({crop.Name}, {interpolation.Name}).");
        }

        if (result.GetValue(json))
        {
            JsonLine.Write(report, new
            {
                file = output,
                model = spec.Name,
                parameters,
                classes = spec.NumClasses,
                imageSize = data.Height,
                data.Mean,
                data.Std,
                data.Scaling!.Crop,
                data.Scaling.Interpolation,
            });
            return;
        }

        report.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Printable.Line(output)}: {spec.Name}, {parameters:N0} parameters, {spec.NumClasses:N0} classes, images of "
            + $"{data.Channels}×{data.Height}×{data.Width} ({data.Scaling})"));
    }

    // The library is known by now, or has been refused.
    private void RequireKnown(CommandResult result)
    {
        if (result.GetResult(from) is not { Tokens: [var library] } || result.GetResult(model) is not { Tokens: [var name] }) return;
        if (CheckedOption.OneOf(Sources, library.Value).Value is not { } known) return;
        var source = Enum.Parse<PretrainedSource>(known, ignoreCase: true);
        if (PretrainedModel.Find(source, name.Value) is not null) return;
        result.AddError($"{model.Name} is '{CheckedOption.Shorten(name.Value)}': known are {Known(source)}.");
    }

    private static string Known(PretrainedSource source) =>
        $"of {source.ToString().ToLowerInvariant()} {string.Join(", ", Pretrained.Models(source))}";

    private static PretrainedFile Open(string path, PretrainedSource source, string model, int? channels)
    {
        try
        {
            return PretrainedFile.Open(path, source, model, channels);
        }
        catch (InvalidDataException e)
        {
            throw new UserError(e.Message) { ShowsAll = true };
        }
    }

    private DataSpec Data(ParseResult result, PretrainedFile weights)
    {
        var spec = weights.Spec;
        var names = result.GetValue(classes) is { } path ? Names(path, spec.NumClasses) : null;
        var usual = weights.ImageNet(names);
        foreach (var option in new[] { mean, deviation })
        {
            if (result.GetValue(option) is { Length: > 0 } values && values.Length != spec.InputChannels)
            {
                throw new UserError($"{option.Name} has {values.Length} numbers; the network takes {spec.InputChannels} channels.");
            }
        }

        var side = result.GetValue(size) ?? usual.Height;
        return usual with
        {
            Mean = result.GetValue(mean) is { Length: > 0 } means ? means : usual.Mean,
            Std = result.GetValue(deviation) is { Length: > 0 } deviations ? deviations : usual.Std,
            Height = side,
            Width = side,
            Scaling = new(
                result.GetValue(crop) ?? usual.Scaling!.Crop, result.GetValue(interpolation) ?? usual.Scaling!.Interpolation),
        };
    }

    private static string[] Names(string path, int count)
    {
        RegularFile.Require(path);
        string[] lines;
        try
        {
            lines = [.. File.ReadLines(path, StrictText).Take(NetworkSpec.MostClasses + 1).Select(line => line.Trim())];
        }
        catch (DecoderFallbackException)
        {
            throw new UserError($"--classes is '{path}', which is not UTF-8: save it as that, or its names would be damaged.");
        }

        if (lines is [.., ""]) lines = lines[..^1];
        if (lines.Length != count)
        {
            throw new UserError($"--classes is '{path}', which has {lines.Length:N0} lines; the network tells {count:N0} classes apart.");
        }

        var wrong = Array.FindIndex(lines, line => line.Length is 0 or > LongestName);
        return wrong < 0
            ? lines
            : throw new UserError($"--classes is '{path}', whose line {wrong + 1:N0} is empty or longer than {LongestName} characters.");
    }
}
