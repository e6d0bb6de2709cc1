using System.Collections.Immutable;

namespace XSepConv.Inference;

/// <summary>A state dict to compile, wherever it is.</summary>
internal abstract class WeightSource
{
    public abstract string Name { get; }

    /// <summary>Its tensors' types and shapes, by state-dict key.</summary>
    public abstract IReadOnlyDictionary<string, SafeTensorInfo> Tensors { get; }

    /// <summary>
    /// What its layers have besides tensors; null where it says nothing about that, so that they are as the network's description says.
    /// </summary>
    public abstract ModuleSettings? Settings { get; }

    /// <summary>Weights that the source has in a byte each, and their scales; null for others.</summary>
    public virtual (byte[] Integers, double[] Scales)? Int8(string key) => null;

    /// <summary>A tensor's values; its type is one of floating-point numbers.</summary>
    public double[] Read(string key) => TensorValues.Read(Tensors[key].Type, ReadBytes(key));

    protected abstract ReadOnlySpan<byte> ReadBytes(string key);
}

/// <summary>The tensors of a file.</summary>
internal sealed class FileWeights(SafeTensors file, string path) : WeightSource
{
    private readonly WeightFile _weights = new(file, path);

    public override ModuleSettings? Settings { get; } = ModuleSettings.Read(file, path);

    public override string Name => path;

    public override IReadOnlyDictionary<string, SafeTensorInfo> Tensors => _weights.Tensors;

    public override (byte[] Integers, double[] Scales)? Int8(string key) => _weights.Int8(key);

    protected override ReadOnlySpan<byte> ReadBytes(string key) => _weights.ReadBytes(key);
}

/// <summary>Tensors in memory.</summary>
internal sealed class MemoryWeights(string name, IEnumerable<SafeTensor> tensors, ModuleSettings? settings) : WeightSource
{
    private readonly ImmutableDictionary<string, SafeTensor> _tensors = tensors.ToImmutableDictionary(tensor => tensor.Name);

    public override string Name => name;

    public override ModuleSettings? Settings => settings;

    public override IReadOnlyDictionary<string, SafeTensorInfo> Tensors =>
        field ??= _tensors.Values.ToDictionary(tensor => tensor.Name, tensor => new SafeTensorInfo(tensor.Name, tensor.Type, tensor.Shape));

    protected override ReadOnlySpan<byte> ReadBytes(string key) => _tensors[key].Data.Span;
}
