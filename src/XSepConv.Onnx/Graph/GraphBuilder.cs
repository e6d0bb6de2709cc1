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
    /// <param name="name">That of the node and of its output.</param>
    /// <param name="operation">ONNX's name.</param>
    /// <param name="like">Has the shape of the output.</param>
    /// <param name="inputs">Names of tensors, in order.</param>
    /// <param name="attributes">In the order in which they are written.</param>
    public OnnxTensor Node(
        string name, string operation, OnnxTensor like, IEnumerable<string> inputs, params IEnumerable<AttributeProto> attributes)
    {
        var result = like.Named(Untyped(name, operation, inputs, attributes));
        _graph.ValueInfo.Add(Describe(result));
        return result;
    }

    /// <summary>Adds a node whose output is none of float32.</summary>
    /// <returns>The name of the output.</returns>
    public string Untyped(string name, string operation, IEnumerable<string> inputs, params IEnumerable<AttributeProto> attributes)
    {
        var node = new NodeProto { Name = Unique(name), OpType = operation };
        node.Input.AddRange(inputs);
        node.Output.Add(node.Name);
        node.Attribute.AddRange(attributes);
        _graph.Node.Add(node);
        return node.Name;
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

        return Initializer(name, shape, TensorProto.Types.DataType.Float, UnsafeByteOperations.UnsafeWrap(data));
    }

    /// <summary>Adds constant integers.</summary>
    /// <returns>The initializer's name.</returns>
    public string IntegerInitializer(string name, ReadOnlySpan<long> values, params ReadOnlySpan<long> shape)
    {
        var data = new byte[sizeof(long) * values.Length];
        for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(data.AsSpan(sizeof(long) * i), values[i]);
        return Initializer(name, shape, TensorProto.Types.DataType.Int64, UnsafeByteOperations.UnsafeWrap(data));
    }

    /// <summary>A name that nothing has yet.</summary>
    public string Unique(string name)
    {
        var unique = name;
        for (var i = 2; !_names.Add(unique); i++) unique = $"{name}_{i}";
        return unique;
    }

    private string Initializer(string name, ReadOnlySpan<long> shape, TensorProto.Types.DataType type, ByteString data)
    {
        var tensor = new TensorProto { Name = Unique(name), DataType = (int)type, RawData = data };
        tensor.Dims.AddRange(shape.ToArray());
        _graph.Initializer.Add(tensor);
        return tensor.Name;
    }

    public static AttributeProto Integer(string name, long value) => new() { Name = name, I = value, Type = AttributeType.Int };

    public static AttributeProto Number(string name, double value) => new() { Name = name, F = (float)value, Type = AttributeType.Float };

    public static AttributeProto Text(string name, string value) =>
        new() { Name = name, S = ByteString.CopyFromUtf8(value), Type = AttributeType.String };

    public static AttributeProto Integers(string name, params IEnumerable<long> values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeType.Ints };
        attribute.Ints.AddRange(values);
        return attribute;
    }

    /// <summary>The graph from one tensor to another.</summary>
    /// <param name="outputName">From <see cref="Unique"/>, before the modules took theirs.</param>
    public GraphProto Finish(string name, OnnxTensor input, OnnxTensor output, string outputName)
    {
        // A module that does nothing leaves the input itself, which can't be an output too; nor can what another node takes be renamed.
        if (_graph.Node.All(node => node.Output[0] != output.Name) || _graph.Node.Any(node => node.Input.Contains(output.Name)))
        {
            output = Node("identity", "Identity", output, [output.Name]);
        }

        var last = _graph.Node.Single(node => node.Output[0] == output.Name);
        last.Output[0] = outputName;
        _graph.ValueInfo.Remove(_graph.ValueInfo.Single(info => info.Name == output.Name));
        output = output.Named(last.Output[0]);

        _graph.Name = name;
        _graph.Input.Add(Describe(input));
        _graph.Output.Add(Describe(output));
        return _graph;
    }

    private static ValueInfoProto Describe(OnnxTensor tensor)
    {
        var shape = new TensorShapeProto();
        if (!tensor.IsConstant) shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = OnnxTensor.BatchSymbol });
        foreach (var side in tensor.Sides)
        {
            var dimension = new TensorShapeProto.Types.Dimension();
            if (side.IsFixed) dimension.DimValue = side.Size;
            else if ($"{side}" is { Length: > 0 } formula) dimension.DimParam = formula;
            shape.Dim.Add(dimension);
        }

        return new()
        {
            Name = tensor.Name,
            Type = new TypeProto
            {
                TensorType = new TypeProto.Types.Tensor { ElemType = (int)TensorProto.Types.DataType.Float, Shape = shape },
            },
        };
    }
}
