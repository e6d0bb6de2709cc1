using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>
/// A linear layer: groups of up to four vectors of outputs, each [input][vector][lane]. Of BF16 a lane holds the weights of two inputs: one
/// image is a multiply-add for every weight, so that reading them is what takes the time.
/// </summary>
internal sealed unsafe class PackedLinear
{
    public const int GroupVectors = 4;

    private readonly AlignedFloats _weights;
    private readonly AlignedFloats _bias;
    private readonly AlignedFloats? _scale;
    private readonly int _lanes;
    private readonly int _rows;

    public PackedLinear(FoldedLayer layer, WeightMemory memory)
    {
        Inputs = layer.Taps;
        Outputs = layer.Outputs;
        Blocks = memory.Blocks(layer.Outputs);
        _lanes = memory.Lanes;
        _rows = layer.Scale is null ? Inputs : (Inputs + 1) / 2;
        _weights = memory.Allocate((long)Blocks * _rows * _lanes);
        _bias = memory.PerChannel(layer.Bias, Blocks);
        _scale = layer.Scale is { } scale ? memory.PerChannel(scale, Blocks) : null;
        for (var output = 0; output < Outputs; output++)
        {
            var block = output / _lanes;
            var packed = Weights(block / GroupVectors) + ((nint)(block % GroupVectors) * _lanes) + (output % _lanes);
            var next = (nint)Vectors(block / GroupVectors) * _lanes;
            var row = layer.Weights.AsSpan(output * Inputs, Inputs);
            for (var i = 0; i < _rows; i++) packed[i * next] = IsBFloat16 ? Pair(row, 2 * i) : row[i];
        }
    }

    public bool IsBFloat16 => _scale is not null;

    public int Inputs { get; }

    public int Outputs { get; }

    public int Blocks { get; }

    public int Groups => (Blocks + GroupVectors - 1) / GroupVectors;

    public int Vectors(int group) => Math.Min(GroupVectors, Blocks - (group * GroupVectors));

    public float* Weights(int group) => _weights.Pointer + ((nint)group * GroupVectors * _lanes * _rows);

    /// <summary>What sums of BF16 weights are multiplied by; null for others.</summary>
    public float* Scale(int group) => _scale is null ? null : PerChannel(_scale, group);

    public float* Bias(int group) => PerChannel(_bias, group);

    private float* PerChannel(AlignedFloats values, int group) => values.Pointer + ((nint)group * GroupVectors * _lanes);

    // The weights are BF16 in float32: their lower halves are zero.
    private static float Pair(ReadOnlySpan<float> row, int input)
    {
        var lower = BitConverter.SingleToUInt32Bits(row[input]) >> 16;
        var upper = input + 1 < row.Length ? BitConverter.SingleToUInt32Bits(row[input + 1]) : 0;
        return BitConverter.UInt32BitsToSingle(upper | lower);
    }
}
