using XSepConv.Inference;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The tensors that a network computes with now, layer by layer; all on the CPU, float32 and contiguous.</summary>
internal sealed class LiveTensors(int layers)
{
    private readonly List<(Layer Layer, string Name, Tensor Tensor)> _tensors = new(6 * layers);
    private readonly List<(Layer Layer, double Epsilon)> _epsilons = new(layers);

    public void Add(Layer layer, string name, Tensor tensor) => _tensors.Add((layer, name, tensor));

    public void AddEpsilon(Layer layer, double epsilon) => _epsilons.Add((layer, epsilon));

    public bool AnyRequiresGrad => _tensors.Exists(entry => entry.Tensor.requires_grad);

    /// <summary>
    /// A hash of all that is packed: the values, and of the matrices of linear layers, which are read where they lie, the address.
    /// </summary>
    public unsafe WeightHash Hash()
    {
        var hash = new WeightHash(_tensors.Count + _epsilons.Count);
        foreach (var (layer, _, tensor) in _tensors)
        {
            var values = FusedMemory.Pointer(tensor);
            if (IsMatrix(layer, tensor)) hash.Add((ulong)values);
            else hash.Add(values, tensor.numel());
        }

        foreach (var (_, epsilon) in _epsilons) hash.Add(BitConverter.DoubleToUInt64Bits(epsilon));
        return hash;
    }

    /// <summary>The same with values of their own, but for the matrices of linear layers.</summary>
    public LiveTensors Copy()
    {
        var copy = new LiveTensors(_epsilons.Count);
        foreach (var (layer, name, tensor) in _tensors)
        {
            copy.Add(layer, name, IsMatrix(layer, tensor) ? tensor : tensor.detach().clone());
        }

        foreach (var (layer, epsilon) in _epsilons) copy.AddEpsilon(layer, epsilon);
        return copy;
    }

    /// <summary>Where the matrices of the linear layers lie.</summary>
    public unsafe nint[] Matrices() =>
        [.. _tensors.Where(entry => IsMatrix(entry.Layer, entry.Tensor)).Select(entry => (nint)FusedMemory.Pointer(entry.Tensor))];

    private static bool IsMatrix(Layer layer, Tensor tensor) => layer.Kind == LayerKind.Linear && tensor.dim() == 2;

    /// <summary>As a state dict with the names of the network's table, read where the values lie.</summary>
    public WeightSource ToSource(string name)
    {
        var settings = new ModuleSettings();
        foreach (var (layer, epsilon) in _epsilons) settings.SetNorm(layer.Norm!, epsilon, ModuleSettings.DefaultMomentum);
        return new Source(name, _tensors.ToDictionary(entry => entry.Name, entry => entry.Tensor), settings);
    }

    private sealed class Source(string name, Dictionary<string, Tensor> tensors, ModuleSettings settings) : WeightSource
    {
        public override string Name => name;

        public override IReadOnlyDictionary<string, SafeTensorInfo> Tensors { get; } = tensors.ToDictionary(
            entry => entry.Key, entry => new SafeTensorInfo(entry.Key, SafeTensorType.F32, [.. entry.Value.shape]));

        public override ModuleSettings? Settings => settings;

        protected override ReadOnlySpan<byte> ReadBytes(string key) => tensors[key].bytes;
    }
}
