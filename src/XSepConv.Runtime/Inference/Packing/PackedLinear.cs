using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>
/// A linear layer: groups of up to four vectors of outputs, each [input][vector][lane]. Of BF16 a lane holds the weights of two inputs, of
/// INT8 it is a byte: one image is a multiply-add for every weight, so that reading them is what takes the time.
/// </summary>
internal sealed unsafe class PackedLinear
{
    public const int GroupVectors = 4;

    private readonly AlignedFloats _weights;
    private readonly AlignedFloats _bias;
    private readonly AlignedFloats? _scale;
    private readonly int _lanes;

    public PackedLinear(FoldedLayer layer, WeightMemory memory)
    {
        Inputs = layer.Taps;
        Outputs = layer.Outputs;
        Format = layer.Format;
        Blocks = memory.Blocks(layer.Outputs);
        _lanes = memory.Lanes;
        _weights = memory.Allocate(((Blocks * VectorBytes) + sizeof(float) - 1) / sizeof(float));
        _bias = memory.PerChannel(layer.Bias);
        _scale = layer.Scale is { } scale ? memory.PerChannel(scale) : null;
        for (var output = 0; output < Outputs; output++)
        {
            var block = output / _lanes;
            var group = Weights(block / GroupVectors);
            var at = ((nint)(block % GroupVectors) * _lanes) + (output % _lanes);
            var next = (nint)Vectors(block / GroupVectors) * _lanes;
            var row = layer.Weights.AsSpan(output * Inputs, Inputs);
            switch (Format)
            {
                case WeightFormat.Float32:
                    for (var i = 0; i < Inputs; i++) group[at + (i * next)] = row[i];
                    break;
                case WeightFormat.BFloat16:
                    for (var i = 0; i < Inputs; i += 2) group[at + (i / 2 * next)] = Pair(row, i);
                    break;
                case WeightFormat.Int8:
                    for (var i = 0; i < Inputs; i++) ((sbyte*)group)[at + (i * next)] = (sbyte)row[i];
                    break;
                default:
                    throw EnumValues.Unknown(Format);
            }
        }
    }

    public WeightFormat Format { get; }

    public int Inputs { get; }

    public int Outputs { get; }

    public int Blocks { get; }

    public int Groups => (Blocks + GroupVectors - 1) / GroupVectors;

    public int Vectors(int group) => Math.Min(GroupVectors, Blocks - (group * GroupVectors));

    public float* Weights(int group) => (float*)((byte*)_weights.Pointer + ((nint)group * GroupVectors * (nint)VectorBytes));

    /// <summary>What sums of narrow weights are multiplied by; null for others.</summary>
    public float* Scale(int group) => _scale is null ? null : PerChannel(_scale, group);

    public float* Bias(int group) => PerChannel(_bias, group);

    // A group is always a whole number of floats: it has four vectors.
    private long VectorBytes => (long)_lanes * Format switch
    {
        WeightFormat.Float32 => Inputs * sizeof(float),
        WeightFormat.BFloat16 => (Inputs + 1) / 2 * sizeof(float),
        WeightFormat.Int8 => Inputs,
        _ => throw EnumValues.Unknown(Format),
    };

    private float* PerChannel(AlignedFloats values, int group) => values.Pointer + ((nint)group * GroupVectors * _lanes);

    // The weights are BF16 in float32: their lower halves are zero.
    private static float Pair(ReadOnlySpan<float> row, int input)
    {
        var lower = BitConverter.SingleToUInt32Bits(row[input]) >> 16;
        var upper = input + 1 < row.Length ? BitConverter.SingleToUInt32Bits(row[input + 1]) : 0;
        return BitConverter.UInt32BitsToSingle(upper | lower);
    }
}
