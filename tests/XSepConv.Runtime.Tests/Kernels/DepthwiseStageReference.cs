using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>The depthwise stage in float64, composed of <see cref="DepthwiseReference"/> and <see cref="NormReference"/>.</summary>
internal sealed class DepthwiseStageReference
{
    private readonly DepthwiseStageShape _shape;
    private readonly DepthwiseReference _convolution;

    public DepthwiseStageReference(DepthwiseStageShape shape, DepthwiseStageData data)
    {
        _shape = shape;
        _convolution = new DepthwiseReference(Doubles(data.Weights), shape.Kernel, shape.Kernel, shape.Stride, shape.Stride)
        {
            Padding = _ => (shape.Kernel / 2, shape.Kernel / 2),
        };
        Norm = new NormReference(Doubles(data.NormWeight), Doubles(data.NormBias), data.Epsilon, shape.Activation);
    }

    public NormReference Norm { get; }

    public Sum64 WeightGradient => _convolution.WeightGradient;

    public void Freeze(float[] mean, float[] variance)
    {
        Norm.Frozen = true;
        Norm.Mean = Doubles(mean);
        Norm.Variance = Doubles(variance);
    }

    public Map64 Forward(Map64 input) => Norm.Forward(
        _convolution.Forward(input, (_shape.Height + _shape.Stride - 1) / _shape.Stride,
        (_shape.Width + _shape.Stride - 1) / _shape.Stride));

    /// <returns>The input's gradient.</returns>
    public Map64 Backward(Map64 gradient) => _convolution.Backward(Norm.Backward(gradient));

    private static double[] Doubles(float[] values) => [.. values.Select(value => (double)value)];
}
