using Google.Protobuf;
using XSepConv.OnnxFormat;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>What is only large is read, too.</summary>
public sealed class LargeFileTests
{
    [Fact]
    public void The_names_of_many_classes_are_read_back()
    {
        using var module = nn.Linear(1, 30_000);
        string[] names = [.. Enumerable.Range(0, 30_000).Select(i => $"a class with a name of forty-four letters {i}")];
        var info = OnnxFile.Info(OnnxRuntime.Export(module, new() { ClassNames = names }));
        Assert.Equal(names, System.Text.Json.JsonSerializer.Deserialize<string[]>(info.Metadata[OnnxExporter.ClassesMetadataKey])!);
    }

    [Fact]
    public void A_large_file_of_others_is_read()
    {
        var model = OnnxFile.Parse(OnnxRuntime.Export(nn.Linear(2, 2)));
        var (text, entries, sides) = (model.Clone(), model.Clone(), model.Clone());
        text.MetadataProps.Add(new StringStringEntryProto { Key = "a", Value = new string('x', (64 << 20) + 1) });
        for (var i = 0; i <= 100_000; i++) entries.MetadataProps.Add(new StringStringEntryProto { Key = $"{i}", Value = "x" });
        for (var i = 0; i < 64; i++) sides.Graph.Output[0].Type.TensorType.Shape.Dim.Add(new TensorShapeProto.Types.Dimension());
        Assert.Equal((64 << 20) + 1, OnnxFile.Info(text.ToByteArray()).Metadata["a"].Length);
        Assert.Equal(100_001, OnnxFile.Info(entries.ToByteArray()).Metadata.Count);
        Assert.Equal(66, OnnxFile.Info(sides.ToByteArray()).Outputs.Single().Shape.Count);
    }
}
