using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Google.Protobuf;
using XSepConv.OnnxFormat;
using static XSepConv.OnnxFormat.AttributeProto.Types;

namespace XSepConv.Onnx;

/// <summary>Collects the nodes and initializers of a graph, in the order in which they run.</summary>
internal sealed class GraphBuilder(int opset, bool foldBatchNorm)
{
    private readonly GraphProto _graph = new();
    private readonly HashSet<string> _names = [];
    private long _initializerBytes;

    /// <summary>Whether batch norm goes into the weights before it.</summary>
    public bool FoldBatchNorm { get; } = foldBatchNorm;

    public int Opset { get; } = opset;

    /// <summary>Adds a node of one output, which carries the node's name.</summary>
    public Value Node(
        string name, string operation, Value result, IEnumerable<string> inputs, params IEnumerable<AttributeProto> attributes)
    {
        var node = new NodeProto { Name = Unique(name), OpType = operation };
        node.Input.AddRange(inputs);
        node.Output.Add(node.Name);
        node.Attribute.AddRange(attributes);
        _graph.Node.Add(node);
        result = result with { Name = node.Name };
        _graph.ValueInfo.Add(Describe(result));
        return result;
    }

    /// <summary>Adds constant float32 values.</summary>
    /// <param name="name">The state-dict key they come from.</param>
    /// <param name="values">The values in double precision, row-major.</param>
    /// <returns>The initializer's name.</returns>
    /// <exception cref="ArgumentException">A value is no finite float32.</exception>
    /// <exception cref="NotSupportedException">The values do not fit into the file any more.</exception>
    public string Initializer(string name, ReadOnlySpan<double> values, params ReadOnlySpan<long> shape)
    {
        InitializerLimit.Require(_initializerBytes += sizeof(float) * (long)values.Length);
        var data = new byte[sizeof(float) * values.Length];
        var floats = MemoryMarshal.Cast<byte, float>(data.AsSpan());
        for (var i = 0; i < values.Length; i++)
        {
            floats[i] = (float)values[i];
            if (!float.IsFinite(floats[i]))
            {
                throw new ArgumentException(
                    $"'{name}' holds {values[i]}, which is no finite float32; the network's weights and running statistics must be "
                    + "finite.");
            }
        }

        if (!BitConverter.IsLittleEndian)
        {
            var words = MemoryMarshal.Cast<byte, int>(data.AsSpan());
            BinaryPrimitives.ReverseEndianness(words, words);
        }

        var tensor = new TensorProto
        {
            Name = Unique(name),
            DataType = (int)TensorProto.Types.DataType.Float,
            RawData = UnsafeByteOperations.UnsafeWrap(data),
        };
        tensor.Dims.AddRange(shape.ToArray());
        _graph.Initializer.Add(tensor);
        return tensor.Name;
    }

    /// <summary>Keeps a name from being given to a node.</summary>
    public void Reserve(string name) => _names.Add(name);

    public static AttributeProto Integer(string name, long value) => new() { Name = name, I = value, Type = AttributeType.Int };

    public static AttributeProto Number(string name, double value) => new() { Name = name, F = (float)value, Type = AttributeType.Float };

    public static AttributeProto Integers(string name, params IEnumerable<long> values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeType.Ints };
        attribute.Ints.AddRange(values);
        return attribute;
    }

    public GraphProto Finish(string name, Value input, Value output, string outputName)
    {
        // A module that does nothing leaves the input itself, which can't be an output too.
        if (output.Name == input.Name) output = Node("identity", "Identity", output, [output.Name]);
        var last = _graph.Node.Single(node => node.Output[0] == output.Name);
        last.Output[0] = Unique(outputName);
        _graph.ValueInfo.Remove(_graph.ValueInfo.Single(info => info.Name == output.Name));
        output = output with { Name = outputName };

        _graph.Name = name;
        _graph.Input.Add(Describe(input));
        _graph.Output.Add(Describe(output));
        return _graph;
    }

    private string Unique(string name)
    {
        var unique = name;
        for (var i = 2; !_names.Add(unique); i++) unique = $"{name}_{i}";
        return unique;
    }

    private static ValueInfoProto Describe(Value value)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = Value.BatchSymbol });
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = value.Channels });
        foreach (var side in new[] { value.Height, value.Width })
        {
            if (side is not { } extent) continue;
            var dimension = new TensorShapeProto.Types.Dimension();
            if (extent.Symbol is null) dimension.DimValue = extent.Size;
            else if ($"{extent}" is { Length: > 0 } formula) dimension.DimParam = formula;
            shape.Dim.Add(dimension);
        }

        return new()
        {
            Name = value.Name,
            Type = new TypeProto
            {
                TensorType = new TypeProto.Types.Tensor { ElemType = (int)TensorProto.Types.DataType.Float, Shape = shape },
            },
        };
    }
}
