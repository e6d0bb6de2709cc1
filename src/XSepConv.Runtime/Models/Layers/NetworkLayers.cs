using System.Collections.Immutable;

namespace XSepConv.Layers;

/// <summary>A network as layers: the one description that whatever counts, folds, packs, plans, draws or checks a network reads.</summary>
internal sealed record NetworkLayers(
    NetworkSpec Spec, Layer Stem, ImmutableArray<BlockLayers> Blocks, Layer Last, Layer Pool, Layer? Hidden, Layer? Classifier)
{
    /// <summary>Every layer, in the order in which the modules run them.</summary>
    public IEnumerable<Layer> All => [Stem, .. Blocks.SelectMany(block => block.All), Last, Pool, .. Head];

    /// <summary>The linear layers.</summary>
    public IEnumerable<Layer> Head => new[] { Hidden, Classifier }.OfType<Layer>();

    /// <summary>Stem, blocks and the last 1×1 convolution, from 0: how many maps one could want.</summary>
    public int Parts => Blocks.Length + 2;

    /// <summary>The layer that gives such a part's map.</summary>
    public Layer Part(int index) => index == 0 ? Stem : index <= Blocks.Length ? Blocks[index - 1].Last : Last;

    /// <exception cref="ArgumentException">The spec is not valid; see <see cref="NetworkSpec.Validate"/>.</exception>
    public static NetworkLayers Of(NetworkSpec spec)
    {
        var paddings = spec.Paddings();
        var stem = Map("1", null, spec.InputChannels, spec.StemChannels, 3, spec.StemStride);
        var blocks = ImmutableArray.CreateBuilder<BlockLayers>(spec.Blocks.Length);
        var from = stem;
        for (var i = 0; i < spec.Blocks.Length; i++)
        {
            blocks.Add(BlockLayers.Of(spec.Blocks[i], paddings[i], spec.PaddingPlacement, $"bneck.{i}.", from));
            from = blocks[i].Last;
        }

        var last = Map("2", from, spec.Blocks[^1].Out, spec.LastChannels, 1, 1);
        var pool = new Layer { Kind = LayerKind.Pool, Name = "pool", From = last, In = spec.LastChannels, Out = spec.LastChannels };
        var hidden = spec.HiddenFeatures == 0 ? null : new Layer
        {
            Kind = LayerKind.Linear,
            Name = "linear3",
            Norm = spec.HiddenNorm ? "bn3" : null,
            Bias = true,
            From = pool,
            In = spec.LastChannels,
            Out = spec.HiddenFeatures,
            Activation = spec.Activation,
            ActivationName = "act3",
        };
        var classifier = spec.NumClasses == 0 ? null : new Layer
        {
            Kind = LayerKind.Linear,
            Name = "linear4",
            Bias = true,
            From = hidden ?? pool,
            In = spec.NumFeatures,
            Out = spec.NumClasses,
        };
        return new(spec, stem, blocks.MoveToImmutable(), last, pool, hidden, classifier);

        Layer Map(string number, Layer? from, int inputs, int outputs, int kernel, int stride) => new()
        {
            Kind = LayerKind.Convolution,
            Name = $"conv{number}",
            Norm = $"bn{number}",
            From = from,
            In = inputs,
            Out = outputs,
            Kernel = (kernel, kernel),
            Stride = (stride, stride),
            Activation = spec.Activation,
            ActivationName = $"act{number}",
        };
    }
}
