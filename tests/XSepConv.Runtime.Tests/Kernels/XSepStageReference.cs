using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>The XSepConv stage in float64, composed of <see cref="DepthwiseReference"/> and <see cref="NormReference"/>.</summary>
internal sealed class XSepStageReference
{
    private readonly XSepStageShape _shape;
    private readonly DepthwiseReference _twoByTwo;
    private readonly DepthwiseReference _horizontal;
    private readonly DepthwiseReference _vertical;

    public XSepStageReference(XSepStageShape shape, XSepStageData data)
    {
        _shape = shape;
        int kernel = shape.Kernel, stride = shape.Stride;
        _twoByTwo = new DepthwiseReference(Doubles(data.TwoByTwo), 2, 2, 1, 1) { Padding = OneSided };
        _horizontal = new DepthwiseReference(Doubles(data.Horizontal), 1, kernel, 1, stride) { Padding = _ => (0, kernel / 2) };
        _vertical = new DepthwiseReference(Doubles(data.Vertical), kernel, 1, stride, 1) { Padding = _ => (kernel / 2, 0) };
        for (var i = 0; i < 3; i++)
        {
            var activation = i < 2 || shape.ActivateOutput ? shape.Activation : (Activation?)null;
            Norms[i] = new NormReference(Doubles(data.NormWeights[i]), Doubles(data.NormBiases[i]), data.Epsilon, activation);
        }
    }

    public NormReference[] Norms { get; } = new NormReference[3];

    public Sum64 TwoByTwoGradient => _twoByTwo.WeightGradient;

    public Sum64 HorizontalGradient => _horizontal.WeightGradient;

    public Sum64 VerticalGradient => _vertical.WeightGradient;

    public double NearestKink => Norms.Min(norm => norm.NearestKink);

    public Map64 Forward(Map64 input)
    {
        int height = _shape.Height, width = _shape.Width;
        int outHeight = (height + _shape.Stride - 1) / _shape.Stride, outWidth = (width + _shape.Stride - 1) / _shape.Stride;
        var x = Norms[0].Forward(_twoByTwo.Forward(input, height, width));
        x = Norms[1].Forward(_horizontal.Forward(x, height, outWidth));
        return Norms[2].Forward(_vertical.Forward(x, outHeight, outWidth));
    }

    /// <returns>The input's gradient.</returns>
    public Map64 Backward(Map64 gradient) =>
        _twoByTwo.Backward(Norms[0].Backward(_horizontal.Backward(Norms[1].Backward(_vertical.Backward(Norms[2].Backward(gradient))))));

    // F.pad's (left, right, top, bottom), from the table of the paper's strategy; symmetric: four runs of channels, larger ones first.
    private (int Top, int Left) OneSided(int channel)
    {
        if (_shape.Prepadded) return (0, 0);
        var direction = _shape.Padding;
        if (direction == PaddingDirection.Symmetric)
        {
            int quarter = _shape.Channels / 4, rest = _shape.Channels % 4, end = 0;
            PaddingDirection[] order =
                [PaddingDirection.LeftTop, PaddingDirection.LeftBottom, PaddingDirection.RightTop, PaddingDirection.RightBottom];
            for (var i = 0; i < 4; i++)
            {
                end += quarter + (i < rest ? 1 : 0);
                direction = order[i];
                if (channel < end) break;
            }
        }

        return direction switch
        {
            PaddingDirection.LeftTop => (1, 1),
            PaddingDirection.LeftBottom => (0, 1),
            PaddingDirection.RightTop => (1, 0),
            _ => (0, 0),
        };
    }

    private static double[] Doubles(float[] values) => [.. values.Select(value => (double)value)];
}
