using Google.Protobuf;
using TorchSharp.Modules;
using XSepConv.OnnxFormat;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>What is written is read back, or is not written; and what is only large is never called damaged.</summary>
public sealed class ReadLimitTests
{
    [Fact]
    public void The_names_of_many_classes_are_read_back()
    {
        using var module = nn.Linear(1, 30_000);
        string[] names = [.. Enumerable.Range(0, 30_000).Select(i => $"a class with a name of forty-four letters {i}")];
        var info = OnnxFile.Info(OnnxRuntime.Export(module, new() { ClassNames = names }));
        Assert.Equal(names, System.Text.Json.JsonSerializer.Deserialize<string[]>(info.Metadata[OnnxExporter.ClassesMetadataKey])!);
    }

    public static TheoryData<string> Limits => ["a text", "a key", "entries", "sides"];

    [Theory]
    [MemberData(nameof(Limits))]
    public void One_more_than_is_read_is_not_written(string limit)
    {
        using var module = nn.Sequential(nn.Linear(2, 2), limit == "sides" ? nn.ELU() : nn.ReLU());
        Assert.Contains("read", Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(module, Options(limit, 1))).Message,
            StringComparison.Ordinal);
        if (limit is not ("a text" or "a key")) OnnxFile.Info(OnnxRuntime.Export(module, Options(limit, 0)));
    }

    [Fact]
    public void A_large_file_of_others_is_not_called_damaged()
    {
        var model = OnnxFile.Parse(OnnxRuntime.Export(nn.Linear(2, 2)));
        var (text, entries, sides) = (model.Clone(), model.Clone(), model.Clone());
        text.MetadataProps.Add(new StringStringEntryProto { Key = "a", Value = new string('x', (64 << 20) + 1) });
        for (var i = 0; i <= 100_000; i++) entries.MetadataProps.Add(new StringStringEntryProto { Key = $"{i}", Value = "x" });
        for (var i = 0; i < 64; i++) sides.Graph.Output[0].Type.TensorType.Shape.Dim.Add(new TensorShapeProto.Types.Dimension());
        foreach (var large in new[] { text, entries, sides })
        {
            Assert.StartsWith("the file is larger than is read here: ",
                Assert.Throws<InvalidDataException>(() => OnnxFile.Info(large.ToByteArray())).Message, StringComparison.Ordinal);
        }
    }

    private static OnnxExportOptions Options(string limit, int more) => limit switch
    {
        "a text" => new() { Metadata = new Dictionary<string, string> { ["a"] = new('x', (64 << 20) + more) } },
        "a key" => new() { Metadata = new Dictionary<string, string> { [new('x', (64 << 20) + more)] = "a" } },
        "entries" => new() { Metadata = Enumerable.Range(0, 100_000 + more).ToDictionary(i => $"{i}", i => "x") },
        _ => new()
        {
            Translators = new Dictionary<Type, OnnxTranslator>
            {
                [typeof(ELU)] = (graph, _, x) => graph.Node("Reshape", [x], shape: [.. Enumerable.Repeat<long?>(1, 63 + more)]),
            },
        },
    };
}
