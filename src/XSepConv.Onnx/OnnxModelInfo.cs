using System.Globalization;
using Google.Protobuf;
using XSepConv.OnnxFormat;

namespace XSepConv;

/// <summary>What an ONNX file says about itself, read without running it.</summary>
public sealed class OnnxModelInfo
{
    private static readonly MessageParser<ModelSummary> s_parser = ModelSummary.Parser.WithDiscardUnknownFields(true);

    private OnnxModelInfo(ModelSummary model)
    {
        var graph = model.Graph;
        (IrVersion, Producer, GraphName) = (model.IrVersion, model.ProducerName, graph.Name);
        Opsets = ByKey(model.OpsetImport.Select(set => (set.Domain, set.Version)));
        Metadata = ByKey(model.MetadataProps.Select(entry => (entry.Key, entry.Value)));
        Operators = graph.Node.CountBy(node => node.OpType).ToDictionary();
        (Inputs, Outputs) = ([.. graph.Input.Select(Value)], [.. graph.Output.Select(Value)]);
        InitializerCount = graph.Initializer.Count;
        InitializerBytes = graph.Initializer.Sum(tensor => (long)TensorProto.Parser.ParseFrom(tensor).RawData.Length);
    }

    /// <summary>The version of the file format.</summary>
    public long IrVersion { get; }

    /// <summary>The program that wrote it; empty if it does not say.</summary>
    public string Producer { get; }

    /// <summary>The name of the graph; empty if it has none.</summary>
    public string GraphName { get; }

    /// <summary>The version of each set of operators; ONNX's own has the empty name.</summary>
    public IReadOnlyDictionary<string, long> Opsets { get; }

    /// <summary>The metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>How often each operator occurs in the graph.</summary>
    public IReadOnlyDictionary<string, int> Operators { get; }

    /// <summary>The inputs.</summary>
    public IReadOnlyList<OnnxValue> Inputs { get; }

    /// <summary>The outputs.</summary>
    public IReadOnlyList<OnnxValue> Outputs { get; }

    /// <summary>How many tensors of weights there are.</summary>
    public int InitializerCount { get; }

    /// <summary>The bytes of those that are stored raw, as this library does.</summary>
    public long InitializerBytes { get; }

    /// <summary>Reads an ONNX file, of any origin.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">It is no ONNX file, or a damaged one.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static OnnxModelInfo Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var stream = RegularFile.OpenRead(path, bufferSize: 0);
        return Read(stream, path);
    }

    internal static OnnxModelInfo Read(Stream stream, string name)
    {
        try
        {
            var model = s_parser.ParseFrom(stream);
            var lacks = model switch
            {
                { IrVersion: < 1 } => "it does not say which version of the format it has",
                { Graph: null } => "it has no graph",
                { OpsetImport.Count: 0 } => "it does not say which operators it uses",
                { Graph.Output.Count: 0 } => "its graph has no output",
                _ when model.Graph.Node.Any(node => node.OpType.Length == 0) => "a node has no operator",
                _ => null,
            };
            return lacks is null ? new(model) : throw Damaged(lacks + ".", null);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Damaged(e.Message, e);
        }

        InvalidDataException Damaged(string how, Exception? cause) =>
            new($"{name} is no ONNX file, or a damaged one: {how}", cause);
    }

    // Of two with one key the later counts.
    private static Dictionary<string, T> ByKey<T>(IEnumerable<(string Key, T Value)> entries)
    {
        var values = new Dictionary<string, T>();
        foreach (var (key, value) in entries) values[key] = value;
        return values;
    }

    private static OnnxValue Value(ValueInfoProto value)
    {
        var tensor = value.Type?.TensorType;
        return new(value.Name, tensor?.ElemType ?? 0, [.. tensor?.Shape?.Dim.Select(Side) ?? []]);
    }

    private static string Side(TensorShapeProto.Types.Dimension side) =>
        side.HasDimValue ? side.DimValue.ToString(CultureInfo.InvariantCulture) : side.DimParam;
}
