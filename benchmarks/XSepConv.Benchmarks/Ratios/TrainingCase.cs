using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>A batch, and the networks that take a training step on it: forward, cross-entropy, backward.</summary>
/// <param name="Preset">Of the networks.</param>
/// <param name="Batch">Images.</param>
/// <param name="Side">Rows and columns of an image.</param>
/// <param name="Kernel">K of the rows that are XSepConv in the notes' table; null for the table's own.</param>
internal sealed record TrainingCase(ImagePreset Preset, int Batch, int Side, int? Kernel = null)
{
    public const string Composed = "composed", Fused = "fused", Twin = "twin", TwinFused = "twin-fused";

    private const int Classes = 10;

    /// <summary>What net-train measures.</summary>
    public static IReadOnlyList<TrainingCase> All { get; } =
    [
        new(ImagePreset.Cifar, 64, 32),
        new(ImagePreset.Cifar, 128, 32),
        new(ImagePreset.ImageNet, 16, 224),
        new(ImagePreset.ImageNet, 16, 224, 9),
        new(ImagePreset.ImageNet, 16, 224, 15),
    ];

    /// <summary>As it is printed, <c>NxCxHxW</c>.</summary>
    public string Shape => $"{Batch}x3x{Side}x{Side}";

    /// <summary>XSep and its twin, each on libtorch's operators and on our kernels.</summary>
    public IEnumerable<(string Name, NetworkSpec Spec, XSepBackend Backend)> Contestants
    {
        get
        {
            var options = new MobileNetV3Options { Preset = Preset, NumClasses = Classes };
            var xsep = MobileNetV3SmallSpec.XSep(options);
            bool[] isXSep = [.. xsep.Blocks.Select(block => block.Kind == BlockKind.XSep)];
            return Pair(xsep, Composed, Fused).Concat(Pair(MobileNetV3SmallSpec.Twin(options), Twin, TwinFused));

            IEnumerable<(string, NetworkSpec, XSepBackend)> Pair(NetworkSpec spec, string stock, string fused)
            {
                // The twin has the same K in the same rows.
                var chosen = spec with
                {
                    Blocks = [.. spec.Blocks.Select((block, i) => isXSep[i] ? block with { Kernel = Kernel ?? block.Kernel } : block)],
                };
                return [(stock, chosen, XSepBackend.Composed), (fused, chosen, XSepBackend.Auto)];
            }
        }
    }

    /// <summary>Images like normalised ones, and any labels.</summary>
    public (Tensor Images, Tensor Labels) Data()
    {
        random.manual_seed(1);
        return (randn(Batch, 3, Side, Side), randint(0, Classes, [Batch], ScalarType.Int64));
    }

    public static MobileNet Network(NetworkSpec spec, XSepBackend backend, ScalarType dtype = ScalarType.Float32)
    {
        var network = new MobileNet(spec, dtype: dtype);
        network.SetXSepBackend(backend);
        network.train();
        return network;
    }

    /// <summary>Logits and loss of one step; the gradients stay with the parameters.</summary>
    public static List<Tensor> Step(MobileNet network, (Tensor Images, Tensor Labels) data) => Step(network, network.call, data);

    /// <summary>The same by another way through the network.</summary>
    public static List<Tensor> Step(MobileNet network, Func<Tensor, Tensor> forward, (Tensor Images, Tensor Labels) data)
    {
        network.zero_grad();
        var logits = forward(data.Images);
        var loss = nn.functional.cross_entropy(logits, data.Labels);
        loss.backward();
        return [logits.detach(), loss.detach()];
    }
}
