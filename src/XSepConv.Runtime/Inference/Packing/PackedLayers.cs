using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>Counts what the packed weights take.</summary>
internal sealed class WeightMemory(int lanes)
{
    private readonly FloatArena _arena = new();

    public int Lanes => lanes;

    public long Floats => _arena.Floats;

    public AlignedFloats Allocate(long floats) => _arena.Allocate(floats);

    public int Blocks(int channels) => BlockedMap.Blocks(channels, lanes);

    /// <summary>One value for each channel; zeros up to whole vectors.</summary>
    public unsafe AlignedFloats PerChannel(ReadOnlySpan<float> values)
    {
        var packed = Allocate((long)Blocks(values.Length) * lanes);
        values.CopyTo(new Span<float>(packed.Pointer, checked((int)packed.Length)));
        return packed;
    }
}

/// <summary>A 1×1 convolution, or a stem: weights [output block][input][lane].</summary>
internal sealed unsafe class PackedPointwise
{
    private readonly AlignedFloats _weights;
    private readonly AlignedFloats _bias;

    /// <summary>The order gives each input that the kernel meets its place in the layer's row of weights; null for the same.</summary>
    public PackedPointwise(FoldedLayer layer, WeightMemory memory, Func<int, int>? order = null)
    {
        Inputs = layer.Taps;
        Outputs = layer.Outputs;
        Blocks = memory.Blocks(layer.Outputs);
        var lanes = memory.Lanes;
        _weights = memory.Allocate((long)Blocks * Inputs * lanes);
        _bias = memory.PerChannel(layer.Bias);
        for (var output = 0; output < layer.Outputs; output++)
        {
            var packed = _weights.Pointer + ((nint)(output / lanes) * Inputs * lanes) + (output % lanes);
            var row = layer.Weights.AsSpan(output * Inputs, Inputs);
            for (var input = 0; input < Inputs; input++) packed[(nint)input * lanes] = row[order is null ? input : order(input)];
        }
    }

    public int Inputs { get; }

    public int Outputs { get; }

    public int Blocks { get; }

    public long WeightBlock => _weights.Length / Blocks;

    public float* Weights(int block) => _weights.Pointer + (block * (nint)WeightBlock);

    public float* Bias(int block) => _bias.Pointer + ((nint)block * (nint)(_bias.Length / Blocks));
}

/// <summary>A depthwise convolution: weights [block][tap][lane].</summary>
internal sealed unsafe class PackedDepthwise
{
    private readonly AlignedFloats _weights;
    private readonly AlignedFloats _bias;
    private readonly int _lanes;

    /// <summary>The place that a channel's tap gets among all taps is given.</summary>
    public PackedDepthwise(FoldedLayer layer, WeightMemory memory, int taps, Func<int, int, int> place)
    {
        Taps = taps;
        _lanes = memory.Lanes;
        var blocks = memory.Blocks(layer.Outputs);
        _weights = memory.Allocate((long)blocks * taps * _lanes);
        _bias = memory.PerChannel(layer.Bias);
        for (var channel = 0; channel < layer.Outputs; channel++)
        {
            var packed = Weights(channel / _lanes) + (channel % _lanes);
            var weights = layer.Weights.AsSpan(channel * layer.Taps, layer.Taps);
            for (var tap = 0; tap < layer.Taps; tap++) packed[(nint)place(channel, tap) * _lanes] = weights[tap];
        }
    }

    public PackedDepthwise(FoldedLayer layer, WeightMemory memory)
        : this(layer, memory, layer.Taps, (_, tap) => tap)
    {
    }

    public int Taps { get; }

    public float* Weights(int block) => _weights.Pointer + ((nint)block * Taps * _lanes);

    public float* Bias(int block) => _bias.Pointer + ((nint)block * _lanes);
}
