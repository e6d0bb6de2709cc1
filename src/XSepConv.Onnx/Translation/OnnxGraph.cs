using XSepConv.Onnx;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The ONNX graph that is being written, for modules with a <c>forward</c> of their own.</summary>
/// <remarks>Tensors are those of this graph. Shapes are checked where they are known.</remarks>
public sealed class OnnxGraph
{
    private readonly GraphBuilder _graph;
    private readonly ModuleTranslator _modules;
    private readonly ModuleAt _at;

    internal OnnxGraph(GraphBuilder graph, ModuleTranslator modules, ModuleAt at)
    {
        (_graph, _modules, _at) = (graph, modules, at);
    }

    /// <summary>The version of ONNX's operators that is written.</summary>
    public int Opset => _graph.Opset;

    /// <summary>Runs modules one after the other; a batch norm is folded into the layer before it.</summary>
    /// <param name="input">What the first one takes.</param>
    /// <param name="modules">Parts of the module, or new ones in place of functions, such as <c>nn.ReLU()</c>.</param>
    /// <returns>What the last one gives.</returns>
    /// <exception cref="NotSupportedException">One can't be exported.</exception>
    /// <exception cref="ArgumentException">They do not fit each other or the input.</exception>
    public OnnxTensor Call(OnnxTensor input, params IEnumerable<nn.Module<Tensor, Tensor>> modules)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(modules);
        return _modules.Sequence(input, [.. modules.Select(Place)]);
    }

    /// <summary>x + y, of one shape or spread out as torch does.</summary>
    /// <exception cref="ArgumentException">The shapes do not go together.</exception>
    public OnnxTensor Add(OnnxTensor x, OnnxTensor y) => Elementwise("Add", x, y);

    /// <summary>x · y, value by value, of one shape or spread out as torch does.</summary>
    /// <exception cref="ArgumentException">The shapes do not go together.</exception>
    public OnnxTensor Multiply(OnnxTensor x, OnnxTensor y) => Elementwise("Mul", x, y);

    /// <summary>Tensors one behind the other.</summary>
    /// <param name="tensors">Of one shape but for the dimension.</param>
    /// <param name="dimension">As torch counts, the batch being 0.</param>
    /// <exception cref="ArgumentException">There is none, or they do not go together.</exception>
    public OnnxTensor Concatenate(IReadOnlyList<OnnxTensor> tensors, int dimension = 1)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var shapes = string.Join(", ", tensors);
        if (tensors.Count == 0) throw new ArgumentException("There is nothing to concatenate.", nameof(tensors));
        var rank = tensors[0].Sides.Count;
        var side = dimension < 0 ? dimension + rank : dimension - 1;
        if (side < 0 || side >= rank || tensors.Any(tensor => tensor.IsConstant || tensor.Sides.Count != rank))
        {
            throw new ArgumentException($"{_at.Where} concatenates {shapes} along dimension {dimension}.", nameof(tensors));
        }

        var sides = tensors[0].Sides.ToArray();
        for (var i = 0; i < rank; i++)
        {
            Extent[] all = [.. tensors.Select(tensor => tensor.Sides[i])];
            if (i == side)
            {
                sides[i] = all.All(extent => extent.IsFixed) ? Extent.Fixed(all.Sum(extent => extent.Size)) : Extent.Unknown;
            }
            else if (all.Where(extent => extent.IsFixed).Distinct().Count() > 1)
            {
                throw new ArgumentException($"{_at.Where} concatenates {shapes} along dimension {dimension}.", nameof(tensors));
            }
        }

        return _graph.Node(
            _at.Name("concat"), "Concat", new("", sides), tensors.Select(tensor => tensor.Name), GraphBuilder.Integer("axis", side + 1));
    }

    /// <summary>Values of the file, such as a parameter of the module's own; int64 stays int64, all else becomes float32.</summary>
    /// <param name="name">The parameter's name.</param>
    /// <param name="values">Of any shape; without a batch, or with one of 1 in a sum or a product.</param>
    /// <exception cref="ArgumentException">A value is no finite float32.</exception>
    public OnnxTensor Constant(string name, Tensor values)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(values);
        var written = values.dtype == ScalarType.Int64
            ? _graph.IntegerInitializer(_at.Name(name), values.cpu().contiguous().data<long>().ToArray(), values.shape)
            : _graph.Initializer(_at.Name(name), TensorBytes.Doubles(values), values.shape);
        return new(written, [.. values.shape.Select(Extent.Fixed)], isConstant: true);
    }

    /// <summary>Any operator of ONNX with one float32 output; nothing about it is checked.</summary>
    /// <param name="operation">ONNX's name, such as <c>Elu</c>.</param>
    /// <param name="inputs">What it takes, in order.</param>
    /// <param name="attributes">Its attributes: integers, numbers, text, or arrays of integers.</param>
    /// <param name="shape">The output's sides after the batch, null where a side is open; if left out, those of the first input.</param>
    /// <exception cref="ArgumentException">There is no input, or an attribute of another type.</exception>
    public OnnxTensor Node(
        string operation, IReadOnlyList<OnnxTensor> inputs, IReadOnlyDictionary<string, object>? attributes = null,
        IReadOnlyList<long?>? shape = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(operation);
        ArgumentNullException.ThrowIfNull(inputs);
        if (inputs.Count == 0) throw new ArgumentException($"'{operation}' has no input.", nameof(inputs));
        var like = shape is null ? inputs[0] : new("", [.. shape.Select(side => side is { } size ? Extent.Fixed(size) : Extent.Unknown)]);
        return _graph.Node(
            _at.Name(operation.ToLowerInvariant()), operation, like, inputs.Select(input => input.Name),
            (attributes ?? new Dictionary<string, object>()).Select(entry => Attribute(entry.Key, entry.Value)));
    }

    private static OnnxFormat.AttributeProto Attribute(string name, object value) => value switch
    {
        int number => GraphBuilder.Integer(name, number),
        long number => GraphBuilder.Integer(name, number),
        float number => GraphBuilder.Number(name, number),
        double number => GraphBuilder.Number(name, number),
        string text => GraphBuilder.Text(name, text),
        IEnumerable<int> numbers => GraphBuilder.Integers(name, numbers.Select(number => (long)number)),
        IEnumerable<long> numbers => GraphBuilder.Integers(name, numbers),
        _ => throw new ArgumentException(
            $"The attribute '{name}' is a {TypeName.Of(value.GetType())}; integers, numbers, text and arrays of integers can be written."),
    };

    private ModuleAt Place(nn.Module<Tensor, Tensor> module)
    {
        var (at, name) = (_at, _at.Module.named_modules().FirstOrDefault(part => ReferenceEquals(part.module, module)).name);
        return new(module, at.Name(name ?? module.GetType().Name.ToLowerInvariant()));
    }

    private OnnxTensor Elementwise(string operation, OnnxTensor x, OnnxTensor y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        var alike = x.IsConstant == y.IsConstant;
        var (longer, shorter) = (alike ? x.Sides.Count < y.Sides.Count : x.IsConstant) ? (y, x) : (x, y);
        // A constant may have a batch of 1 too; two tensors of the graph have one each, at the same place.
        var added = shorter.Sides;
        var hasBatch = shorter.IsConstant && !longer.IsConstant && added.Count == longer.Sides.Count + 1;
        if (hasBatch && added[0] == Extent.Fixed(1)) added = [.. added.Skip(1)];
        var skipped = longer.Sides.Count - added.Count;
        if (skipped < 0 || (skipped > 0 && !shorter.IsConstant)) throw Mismatch();
        var sides = longer.Sides.ToArray();
        for (var i = 0; i < added.Count; i++)
        {
            var (a, b) = (longer.Sides[skipped + i], added[i]);
            sides[skipped + i] = (a, b) switch
            {
                ({ IsFixed: true, Size: 1 }, _) => b,
                (_, { IsFixed: true, Size: 1 }) => a,
                ({ IsFixed: true }, { IsFixed: true }) => a == b ? a : throw Mismatch(),
                ({ IsFixed: true }, _) => a,
                (_, { IsFixed: true }) => b,
                _ => a == b ? a : Extent.Unknown,
            };
        }

        OnnxTensor result = new("", sides, isConstant: x.IsConstant && y.IsConstant);
        return _graph.Node(_at.Name(operation.ToLowerInvariant()), operation, result, [x.Name, y.Name]);

        ArgumentException Mismatch() => new($"{_at.Where} has {x} and {y} to {operation.ToLowerInvariant()}; they do not go together.");
    }
}
