namespace XSepConv.Layers;

/// <summary>What a layer computes.</summary>
internal enum LayerKind
{
    /// <summary>A convolution in which every output sees every input channel.</summary>
    Convolution,

    Depthwise,

    /// <summary>A row and a column of zeros at the sides that <see cref="Layer.Padding"/> says.</summary>
    Pad,

    /// <summary>The mean of each channel.</summary>
    Pool,

    Linear,

    /// <summary>A map times the hsigmoid of a number for each of its channels: what squeeze-excite ends with.</summary>
    Gate,

    /// <summary>The sum of two maps: a shortcut.</summary>
    Add,
}

/// <summary>
/// One layer of a network with the batch norm and the nonlinearity after it. Compared by reference: each is a place in its network.
/// </summary>
internal sealed class Layer
{
    public required LayerKind Kind { get; init; }

    /// <summary>Its prefix in the state dict, such as <c>bneck.4.conv2</c>; of a layer without tensors what it would have.</summary>
    public required string Name { get; init; }

    /// <summary>The layer whose result it takes; null for the image, or for what a block is given.</summary>
    public required Layer? From { get; init; }

    /// <summary>The gate's factors, or what is added; of an addition null for what a block is given.</summary>
    public Layer? With { get; init; }

    public required int In { get; init; }

    public required int Out { get; init; }

    public (int Height, int Width) Kernel { get; init; } = (1, 1);

    public (int Height, int Width) Stride { get; init; } = (1, 1);

    /// <summary>Of a padding layer and of a 2×2. Every other convolution pads half its kernel on each side.</summary>
    public PaddingDirection? Padding { get; init; }

    /// <summary>The 2×2's row and column of zeros are already there.</summary>
    public bool Prepadded { get; init; }

    /// <summary>The prefix of its batch norm; null where it has none.</summary>
    public string? Norm { get; init; }

    public bool Bias { get; init; }

    /// <summary>The nonlinearity after all that.</summary>
    public Activation? Activation { get; init; }

    /// <summary>What the nonlinearity is called where it needs a name.</summary>
    public string ActivationName { get; init; } = "";

    public bool HasWeights => Kind is LayerKind.Convolution or LayerKind.Depthwise or LayerKind.Linear;

    /// <summary>Input channels that an output sees.</summary>
    public int InputsPerOutput => Kind == LayerKind.Depthwise ? 1 : In;

    /// <summary>Multiply-accumulates for each value of the result.</summary>
    public long Taps => HasWeights ? (long)InputsPerOutput * Kernel.Height * Kernel.Width : 0;

    /// <summary>Trainable values, those of the batch norm apart.</summary>
    public long Weights => HasWeights ? (Taps * Out) + (Bias ? Out : 0) : 0;

    /// <summary>Trainable values of the batch norm: a scale and a shift for each channel.</summary>
    public long NormParameters => Norm is null ? 0 : 2L * Out;

    public long Parameters => Weights + NormParameters;

    /// <summary>Multiply-accumulates for one image, where the result has this size.</summary>
    public long Macs((long Height, long Width) output) => Taps * Out * output.Height * output.Width;

    /// <summary>Height and width of the result, of an input of this size.</summary>
    public (long Height, long Width) SizeAfter((long Height, long Width) input) => Kind switch
    {
        LayerKind.Pool or LayerKind.Linear => (1, 1),
        LayerKind.Pad => (input.Height + 1, input.Width + 1),
        _ when Prepadded => (input.Height - 1, input.Width - 1),
        _ => (DivideUp(input.Height, Stride.Height), DivideUp(input.Width, Stride.Width)),
    };

    /// <summary>The tensors of its state dict, their keys and shapes.</summary>
    public IEnumerable<(string Key, long[] Shape)> Tensors()
    {
        if (HasWeights)
        {
            yield return ($"{Name}.weight", Kind == LayerKind.Linear ? [Out, In] : [Out, InputsPerOutput, Kernel.Height, Kernel.Width]);
            if (Bias) yield return ($"{Name}.bias", [Out]);
        }

        if (Norm is null) yield break;
        foreach (var value in new[] { "weight", "bias", "running_mean", "running_var" }) yield return ($"{Norm}.{value}", [Out]);
        yield return ($"{Norm}.{BatchCounter}", []);
    }

    public const string BatchCounter = "num_batches_tracked";

    /// <summary>What follows each layer, layer by layer: the size of its result for an image, or a block's input, of this size.</summary>
    public static Dictionary<Layer, (long Height, long Width)> Sizes(IEnumerable<Layer> layers, (long Height, long Width) input)
    {
        var sizes = new Dictionary<Layer, (long Height, long Width)>();
        foreach (var layer in layers) sizes[layer] = layer.SizeAfter(layer.From is { } from ? sizes[from] : input);
        return sizes;
    }

    private static long DivideUp(long size, int stride) => ((size - 1) / stride) + 1;
}
