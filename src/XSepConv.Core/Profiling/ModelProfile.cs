using System.Globalization;
using System.Text;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>One layer of a <see cref="ModelProfile"/>.</summary>
/// <param name="Name">Path in the module, such as <c>bneck.4.conv2</c>.</param>
/// <param name="Kind">What it is: <c>conv 1×1</c>, <c>depthwise 1×5</c>, <c>linear</c>, <c>batch norm</c>.</param>
/// <param name="Output">Output shape, [N, C, H, W] or [N, features].</param>
/// <param name="Parameters">
/// Trainable values (running statistics are not), in the first row of a layer that runs, or of a tensor that layers share.
/// </param>
/// <param name="Macs">Multiply-accumulates for the profiled input. Convolution and linear layers have them.</param>
/// <param name="Padding">The direction in which a 2×2 of an XSepConv pads; null elsewhere.</param>
public sealed record LayerProfile(
    string Name, string Kind, IReadOnlyList<long> Output, long Parameters, long Macs, PaddingDirection? Padding)
{
    /// <summary>
    /// How the layer is computed for this input on this device: <see cref="XSepBackend.Fused"/> where it is part of a fused operator, of
    /// its block or of the spatial stage in it, else <see cref="XSepBackend.Composed"/>; null for layers that are in no such operator.
    /// </summary>
    public XSepBackend? Backend { get; init; }

    /// <summary>
    /// Whether its network ran compiled, as a <c>MobileNet</c> does in evaluation mode without gradients where it can: then
    /// <see cref="Backend"/> says how the layer runs in training, and where gradients are wanted.
    /// </summary>
    public bool IsCompiled { get; init; }
}

/// <summary>Parameters and multiply-accumulates (MACs) of a module, layer by layer.</summary>
public sealed class ModelProfile
{
    private ModelProfile(IReadOnlyList<long> input, IReadOnlyList<LayerProfile> layers) => (Input, Layers) = (input, layers);

    /// <summary>The shape that was profiled.</summary>
    public IReadOnlyList<long> Input { get; }

    /// <summary>The layers with parameters, in the order in which they run; one that runs again has a row for each time.</summary>
    public IReadOnlyList<LayerProfile> Layers { get; }

    /// <summary>Trainable values in total, each once.</summary>
    public long Parameters => Layers.Sum(layer => layer.Parameters);

    /// <summary>Multiply-accumulates in total, for the profiled input.</summary>
    public long Macs => Layers.Sum(layer => layer.Macs);

    /// <summary>
    /// Runs the module once, in eval mode and without gradients, and counts. Its mode, weights and statistics stay as they are.
    /// </summary>
    /// <param name="module">
    /// One of this library's modules, or any made of convolutions, linear layers, batch norm, activations and pooling.
    /// </param>
    /// <param name="input">Shape of the input, such as [1, 3, 224, 224].</param>
    /// <exception cref="NotSupportedException">The module holds a layer that can't be counted; it is named with its path.</exception>
    /// <exception cref="ArgumentException">The module does not take that shape.</exception>
    public static ModelProfile Of(nn.Module<Tensor, Tensor> module, params long[] input)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(input);
        if (input.Length == 0 || input.Any(size => size < 1))
        {
            throw new ArgumentException($"The input shape is [{string.Join(", ", input)}]; every size is at least 1.", nameof(input));
        }

        return new(input, LayerTrace.Run(module, input));
    }

    /// <summary>
    /// Counts without building the network: what <see cref="Of(nn.Module{Tensor, Tensor}, long[])"/> finds in the built one, backends
    /// apart.
    /// </summary>
    /// <exception cref="ArgumentException">The spec is not valid; see <see cref="NetworkSpec.Validate"/>.</exception>
    internal static ModelProfile Of(NetworkSpec spec, int height, int width)
    {
        Layer[] layers = [.. NetworkLayers.Of(spec).All];
        var sizes = Layer.Sizes(layers, (height, width));
        var profiles = new List<LayerProfile>();
        foreach (var layer in layers.Where(layer => layer.HasWeights))
        {
            var size = sizes[layer];
            long[] output = layer.Kind == LayerKind.Linear ? [1, layer.Out] : [1, layer.Out, size.Height, size.Width];
            profiles.Add(new(layer.Name, KindOf(layer), output, layer.Weights, layer.Macs(size), layer.Padding));
            if (layer.Norm is { } norm) profiles.Add(new(norm, "batch norm", output, layer.NormParameters, 0, null));
        }

        return new([1, spec.InputChannels, height, width], profiles);

        static string KindOf(Layer layer) => layer.Kind switch
        {
            LayerKind.Linear => "linear",
            LayerKind.Convolution => $"conv {layer.Kernel.Height}×{layer.Kernel.Width}",
            LayerKind.Depthwise => $"depthwise {layer.Kernel.Height}×{layer.Kernel.Width}",
            _ => throw EnumValues.Unknown(layer.Kind),
        };
    }

    /// <summary>A table, a line a layer, with the totals last.</summary>
    public override string ToString()
    {
        var width = Math.Max(12, Layers.Select(layer => layer.Name.Length).DefaultIfEmpty().Max());
        var text = new StringBuilder();
        Line("layer", "kind", "output", "parameters", "MACs", "padding", "backend", "evaluation");
        foreach (var layer in Layers)
        {
            Line(
                layer.Name, layer.Kind, string.Join('×', layer.Output), Number(layer.Parameters), Number(layer.Macs), $"{layer.Padding}",
                $"{layer.Backend}", layer.IsCompiled ? "compiled" : "");
        }

        Line("total", "", "", Number(Parameters), Number(Macs), "", "", "");
        return text.ToString();

        void Line(
            string name, string kind, string output, string parameters, string macs, string padding, string backend, string evaluation)
        {
            var counts = $"{name.PadRight(width)}  {kind,-14}  {output,-16}  {parameters,10}  {macs,12}";
            text.Append($"{counts}  {padding,-11}  {backend,-8}  {evaluation}".TrimEnd()).Append('\n');
        }

        static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
    }
}
