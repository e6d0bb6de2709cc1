using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>What a network was built from, to which its modules are held before something else runs in their stead.</summary>
internal sealed class BuiltNetwork
{
    private readonly NetworkLayers _network;
    private readonly (Layer Layer, string[] Names)[] _layers;
    private readonly Type[] _types, _body;
    private readonly int _ends;

    /// <param name="network">As it was built.</param>
    /// <param name="before">What it was built from before it got another classifier, or none; all else is held to that.</param>
    public BuiltNetwork(INetwork network, BuiltNetwork? before = null)
    {
        _network = NetworkLayers.Of(network.Spec);
        _layers =
        [
            .. _network.All.Where(layer => layer.HasWeights).Select(layer => (layer, new[]
            {
                $"{layer.Name}.weight", $"{layer.Name}.bias", $"{layer.Norm}.weight", $"{layer.Norm}.bias", $"{layer.Norm}.running_mean",
                $"{layer.Norm}.running_var",
            })),
        ];
        _body = before?._body ?? [.. Modules(network).Select(module => module.GetType()).SkipLast(_network.Classifier is null ? 0 : 1)];
        _types = _network.Classifier is null ? _body : [.. _body, typeof(Linear)];
        _ends = network.Ends.Count;
    }

    /// <summary>
    /// Says why the modules must run one by one, or null where a plan of the spec computes what they do. What they read is added then.
    /// </summary>
    public string? Read(INetwork network, out LiveTensors tensors)
    {
        tensors = new(_layers.Length);
        if (!LayerHooks.CanTell) return "this version of TorchSharp does not let it be seen whether layers have hooks";
        for (var i = 0; i < _ends; i++)
        {
            if (network.Ends[i].Backend == XSepBackend.Composed) return "its backend is Composed";
        }

        return Walk(network, tensors);
    }

    /// <summary>
    /// Says what of the network is not as it was built, or null: modes, hooks, backends, devices and types of values apart.
    /// </summary>
    public string? Change(INetwork network) => OwnForward(network.GetType()) ?? Walk(network, null);

    // While it evaluates, that runs: only what stands for the whole network would leave it out.
    private static string? OwnForward(Type type) =>
        type.GetMethod(nameof(nn.Module<,>.forward), [typeof(Tensor)])?.DeclaringType?.Assembly == typeof(BuiltNetwork).Assembly
            ? null : $"{TypeName.Of(type)} has a forward of its own";

    private string? Walk(INetwork network, LiveTensors? tensors)
    {
        var modules = Modules(network);
        if (modules.Count != _types.Length) return "its modules are not those that it was built of";
        var (layer, block) = (-1, 0);
        for (var i = 0; i < _types.Length; i++)
        {
            var module = modules[i];
            if (module.GetType() != _types[i]) return $"it has a {TypeName.Of(module.GetType())} where it was built with another module";
            if (tensors is not null && module.training) return $"a {module.GetName()} in it is in training mode";
            if (tensors is not null && LayerHooks.Any(module)) return $"a {module.GetName()} in it has hooks, which would not run";
            var reason = module switch
            {
                Conv2d conv => Read(conv, _layers[++layer], tensors),
                Linear linear => Read(linear, _layers[++layer], tensors),
                NormBase norm => Read(norm, _layers[layer], tensors),
                IBlock found => WhyNot(found, _network.Blocks[block++], tensors is not null),
                AdaptiveAvgPool2d pool => pool.output_size is [1, 1] ? null : "squeeze-excite does not take the mean of a map",
                _ => null,
            };
            if (reason is not null) return reason;
        }

        return null;
    }

    private static List<nn.Module<Tensor, Tensor>> Modules(INetwork network)
    {
        var found = new List<nn.Module<Tensor, Tensor>>();
        foreach (var module in network.Called) Add(module, found);
        return found;
    }

    private static void Add(nn.Module<Tensor, Tensor> module, List<nn.Module<Tensor, Tensor>> found)
    {
        found.Add(module);
        switch (module)
        {
            case IBlock block:
                foreach (var called in block.Called) Add(called, found);
                break;
            case SeModule squeeze:
                Add(squeeze.Chain, found);
                break;
            case Sequential chain:
                for (var i = 0; i < chain.Count; i++) Add((nn.Module<Tensor, Tensor>)chain[i], found);
                break;
        }
    }

    private static string? WhyNot(IBlock block, BlockLayers built, bool live)
    {
        if (live && block.Stage.Backend == XSepBackend.Composed) return "the backend of a block is Composed";
        var (now, then) = (block.Layers.Spatial[0], built.Spatial[0]);
        return block.Layers.Spec == built.Spec && now.Padding == then.Padding && now.Prepadded == then.Prepadded
            ? null : "a block is not the one that it was built with";
    }

    private static string? Read(Conv2d conv, (Layer Layer, string[] Names) built, LiveTensors? tensors)
    {
        var (layer, (height, width)) = (built.Layer, built.Layer.Kernel);
        var padding = (height, width) == (2, 2) ? (0, 0) : (height / 2, width / 2);
        var groups = layer.Kind == LayerKind.Depthwise ? layer.In : 1;
        if (layer.Kind == LayerKind.Linear || conv.bias is not null != layer.Bias
            || !new ConvGeometry((height, width), layer.Stride, padding).Fits(conv, groups))
        {
            return "a convolution is not as it was built";
        }

        if (tensors is null) return null;
        return Shaped(conv.weight, layer.Out, layer.InputsPerOutput, layer.Taps * layer.Out)
            ?? Read(conv.weight, conv.bias, built, tensors);
    }

    private static string? Read(Linear linear, (Layer Layer, string[] Names) built, LiveTensors? tensors)
    {
        var layer = built.Layer;
        if (layer.Kind != LayerKind.Linear || linear.weight is null) return "a linear layer is not as it was built";
        if (tensors is null) return null;
        return Shaped(linear.weight, layer.Out, layer.In, layer.Taps * layer.Out) ?? Read(linear.weight, linear.bias, built, tensors);
    }

    private static string? Read(Tensor weight, Tensor? bias, (Layer Layer, string[] Names) built, LiveTensors tensors)
    {
        tensors.Add(built.Layer, built.Names[0], weight);
        if (!built.Layer.Bias) return null;
        if (bias is null || FusedMemory.WhyNot(bias, "a bias", built.Layer.Out) is not null) return "a bias is not as it was built";
        tensors.Add(built.Layer, built.Names[1], bias);
        return null;
    }

    private static string? Read(NormBase norm, (Layer Layer, string[] Names) built, LiveTensors? tensors)
    {
        var (layer, names) = built;
        Tensor?[] values = [norm.weight, norm.bias, norm.running_mean, norm.running_var];
        if (layer.Norm is null || !norm.track_running_stats) return "a batch norm is not as it was built";
        for (var i = 0; tensors is not null && i < values.Length; i++)
        {
            if (values[i] is not { } value || value.dim() != 1) return "a batch norm lacks scale, shift or running statistics";
            if (FusedMemory.WhyNot(value, "a batch norm's", layer.Out) is { } reason) return reason;
            tensors.Add(layer, names[2 + i], value);
        }

        tensors?.AddEpsilon(layer, norm.eps);
        return null;
    }

    private static string? Shaped(Tensor weight, long outputs, long inputs, long values) =>
        weight.size(0) == outputs && weight.size(1) == inputs ? FusedMemory.WhyNot(weight, "a weight", values)
            : $"a weight has shape [{string.Join(", ", weight.shape)}]";
}
