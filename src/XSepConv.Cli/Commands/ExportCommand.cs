using System.CommandLine;
using System.CommandLine.Parsing;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Options;
using XSepConv.Cli.Startup;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv export</c>: a network for other programs, or as a picture.</summary>
internal sealed class ExportCommand
{
    private const string Onnx = "onnx", SafeTensorsName = "safetensors", Dot = "dot", Mermaid = "mermaid";
    private static readonly string[] Formats = [Onnx, SafeTensorsName, Dot, Mermaid];
    private static readonly Dictionary<string, SafeTensorType> Dtypes = new()
    {
        ["f32"] = SafeTensorType.F32,
        ["bf16"] = SafeTensorType.BF16,
        ["f16"] = SafeTensorType.F16,
        ["int8"] = SafeTensorType.I8,
    };

    private const string Folded = "folded", Kept = "kept";

    private readonly CheckpointOption checkpoint = new(
        "A best.safetensors or last.safetensors of train, or a network saved by SaveSafeTensors or from PyTorch.");

    private readonly Option<string> format = CheckedOption.Choice(
        "--format", Formats, Onnx,
        "An ONNX model; the weights alone, for PyTorch and .NET; or a picture of the blocks for Graphviz or Mermaid.");

    private readonly Option<string> destination = CheckedOption.Text(
        "--out", "FILE", "The file to write, or - for standard output; pictures go there without it.").Or("-o", "--output");

    private readonly ImageSizeOption size = new(
        "Height and width of the images, for onnx and pictures. Default: those it was trained on, where the file says so.");

    private readonly Option<bool> dynamicSize = CheckedOption.Flag("--dynamic-size", "Leave height and width open, for onnx and pictures.");

    private readonly Option<string> batchNorm = CheckedOption.Choice(
        "--bn", [Folded, Kept], Folded, "Batch norm folded into the weights before it, or kept as nodes; for onnx.");

    private readonly Option<int> opset = CheckedOption.Whole(
        "--opset", OnnxExporter.OldestOpsetVersion, OnnxExporter.NewestOpsetVersion, OnnxExporter.OpsetVersion,
        "The version of ONNX's operators; a low one for old runtimes.");

    private readonly Option<bool> normalize = CheckedOption.Flag(
        "--normalize", "Take pixels from 0 to 255 and normalise them as in training; for onnx.");

    private readonly Option<string> dtype = CheckedOption.Choice(
        "--dtype", [.. Dtypes.Keys], "f32",
        "The type of the weights, for safetensors: bf16 and f16 take half the bytes, int8 about a third. "
        + "Biases and batch norms stay f32, beside int8 spatial filters too.");

    private readonly Option<bool> json = CheckedOption.Flag("--json", "Print one line of JSON about the file.");

    public static Command Create()
    {
        var export = new ExportCommand();
        var command = new ToolCommand("export", "Write a trained network as ONNX or safetensors, or draw it.")
        {
            Examples =
            [
                "xsepconv export --checkpoint runs/shapes/best.safetensors --out network.onnx --normalize",
                "xsepconv export --checkpoint runs/shapes/best.safetensors --format safetensors --dtype bf16 --out half.safetensors",
                "xsepconv export --checkpoint runs/shapes/best.safetensors --format dot | dot -Tsvg > network.svg",
            ],
        };
        command.Add("Network", [export.checkpoint.Option]);
        command.Add(
            "Format",
            [export.format, export.size.Option, export.dynamicSize, export.batchNorm, export.opset, export.normalize, export.dtype]);
        command.Add("Output", [export.destination, export.json]);
        command.Validators.Add(result =>
        {
            if (export.Complaint(result) is { } complaint) result.AddError(complaint);
        });
        command.SetAction(export.Run);
        return command;
    }

    // What is given that does not go together.
    private string? Complaint(CommandResult result)
    {
        // An unknown format is an error of its own, and has no value.
        var chosen = result.GetResult(format) is { Tokens: [var token] } ? CheckedOption.OneOf(Formats, token.Value).Value : Onnx;
        if (chosen is null) return null;
        if (chosen != Onnx && new Option[] { batchNorm, opset, normalize }.FirstOrDefault(result.IsTyped) is { } onlyOnnx)
        {
            return $"{onlyOnnx.Name} is for --format {Onnx}.";
        }

        if (chosen != SafeTensorsName && result.IsTyped(dtype)) return $"{dtype.Name} is for --format {SafeTensorsName}.";
        if (chosen == SafeTensorsName && new Option[] { size.Option, dynamicSize }.FirstOrDefault(result.IsTyped) is { } sized)
        {
            return $"{sized.Name} is for --format {Onnx}, {Dot} and {Mermaid}: weights fit any size.";
        }

        if (result.IsTyped(size.Option) && result.IsTyped(dynamicSize)) return $"Give either {size.Option.Name} or {dynamicSize.Name}.";
        if (result.IsTyped(destination)) return null;
        if (chosen is Onnx or SafeTensorsName) return $"Give --out, the file to write as {chosen}.";
        return result.IsTyped(json) ? "--json is about the file that --out names." : null;
    }

    private void Run(ParseResult result)
    {
        var path = OutputFile.Of(result.GetValue(destination));
        var from = checkpoint.Path(result)!;
        Libtorch.Load();
        if (path is not null) OutputFile.RequireOther(path, from, "the checkpoint");
        using var source = ExportSource.Open(from);
        switch (result.GetValue(format))
        {
            case Onnx:
                WriteOnnx(path!, from, source, result);
                ReportOnnx(path!, result);
                break;
            case SafeTensorsName:
                WriteSafeTensors(path!, from, source, result);
                break;
            case var picture:
                Draw(picture!, path, source, result);
                break;
        }
    }

    private void WriteSafeTensors(string path, string from, ExportSource source, ParseResult result)
    {
        var name = result.GetValue(dtype)!;

        // Other weights were not measured.
        var metadata = source.Metadata.Where(entry => Dtypes[name] == SafeTensorType.F32 || entry.Key != Checkpoint.ResultMetadataKey);
        try
        {
            source.Network.SaveSafeTensors(
                path, new SafeTensorsSaveOptions { Dtype = Dtypes[name], Metadata = metadata.ToDictionary() });
        }
        catch (InvalidDataException e)
        {
            throw new UserError($"{from} can't be written as --dtype {name}: {e.Message}");
        }

        Report(result, path, $"safetensors, the weights in {name} without the optimizer");
    }

    private void Draw(string picture, string? path, ExportSource source, ParseResult result)
    {
        var (spec, imageSize) = (source.Network.Spec, ImageSize(result, source));
        var text = picture == Dot ? NetworkDrawing.Dot(spec, imageSize) : NetworkDrawing.Mermaid(spec, imageSize);
        if (path is null)
        {
            result.InvocationConfiguration.Output.Write(text);
            return;
        }

        AtomicFile.WriteAllText(path, text);
        Report(result, path, $"{picture}, {spec.Blocks.Length} blocks");
    }

    private void WriteOnnx(string path, string from, ExportSource source, ParseResult result)
    {
        if (result.GetValue(normalize) && source.Training is null)
        {
            throw new UserError(
                $"{from} does not say how its images were normalised, as a checkpoint of train does; leave out --normalize.");
        }

        OnnxExporter.Export(source.Network, path, new()
        {
            BatchNorm = result.GetValue(batchNorm) == Kept ? OnnxBatchNorm.Kept : OnnxBatchNorm.Folded,
            Opset = result.GetValue(opset),
            Size = ImageSize(result, source),
            Normalization = result.GetValue(normalize) ? new(source.Training!.Normalization.Mean, source.Training.Normalization.Std)
                : null,
            ClassNames = source.Training?.ClassNames ?? [],
            Metadata = source.Metadata,
        });
    }

    private (int Height, int Width)? ImageSize(ParseResult result, ExportSource source)
    {
        if (result.GetValue(dynamicSize)) return null;
        return size.Size(result) ?? (source.Training is { ImageShape: var shape } ? (shape.Height, shape.Width) : null);
    }

    private void ReportOnnx(string path, ParseResult result)
    {
        if (StreamingFile.IsStreaming(path))
        {
            Report(result, path, "ONNX");
            return;
        }

        var info = OnnxModelInfo.Read(path);
        var (opset, bytes) = (info.Opsets[""], RegularFile.Length(path));
        if (result.GetValue(json))
        {
            var report = new { file = path, format = Onnx, bytes, info.IrVersion, opset, info.Inputs, info.Outputs, info.Operators };
            JsonLine.Write(result.InvocationConfiguration.Output, report);
            return;
        }

        var nodes = info.Operators.Values.Sum();
        Report(result, path,
            $"ONNX, IR {info.IrVersion}, opset {opset}: {Describe(info.Inputs)} → {Describe(info.Outputs)}, {nodes} nodes");
    }

    private void Report(ParseResult result, string path, string text)
    {
        var invocation = result.InvocationConfiguration;
        var bytes = StreamingFile.IsStreaming(path) ? (long?)null : RegularFile.Length(path);
        // Not into what was just written.
        var output = StreamingFile.IsStandardOutput(path) ? invocation.Error : invocation.Output;
        if (result.GetValue(json)) JsonLine.Write(output, new { file = path, format = result.GetValue(format), bytes });
        else output.WriteLine($"{Printable.Line(path)}: {text}{(bytes is null ? "" : $", {bytes:N0} bytes")}");
    }

    private static string Describe(IReadOnlyList<OnnxValue> values) =>
        string.Join(", ", values.Select(value => $"{value.Name} [{string.Join(", ", value.Shape)}]"));
}
