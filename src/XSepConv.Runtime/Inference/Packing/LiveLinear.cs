using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>A linear layer of which only the batch norm, folded with the bias, is packed.</summary>
internal sealed unsafe class LiveLinear
{
    private readonly AlignedFloats _scale;
    private readonly AlignedFloats _shift;

    /// <param name="affine">A scale and a shift for each output.</param>
    /// <param name="inputs">Of the layer.</param>
    /// <param name="weights">As its owner keeps them.</param>
    /// <param name="memory">Counts what is packed.</param>
    public LiveLinear(FoldedLayer affine, int inputs, float* weights, WeightMemory memory)
    {
        (Inputs, Outputs) = (inputs, affine.Outputs);
        Weights = weights;
        _scale = memory.PerChannel(affine.Weights);
        _shift = memory.PerChannel(affine.Bias);
    }

    public int Inputs { get; }

    public int Outputs { get; }

    public float* Weights { get; }

    public float* Scale => _scale.Pointer;

    public float* Shift => _shift.Pointer;
}
