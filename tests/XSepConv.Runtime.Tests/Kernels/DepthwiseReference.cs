namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>
/// A depthwise convolution of any kernel, stride and padding in float64, by gathering; its gradients by the transposed sums.
/// </summary>
internal sealed class DepthwiseReference(double[] weights, int rows, int columns, int strideY, int strideX)
{
    private Map64 _input = null!;

    /// <summary>Zeros put above and left of each channel.</summary>
    public required Func<int, (int Top, int Left)> Padding { get; init; }

    public Sum64 WeightGradient { get; private set; } = null!;

    public Map64 Forward(Map64 input, int height, int width)
    {
        _input = input;
        var output = new Map64(input.Batch, input.Channels, height, width);
        for (var n = 0; n < input.Batch; n++)
        {
            for (var c = 0; c < input.Channels; c++)
            {
                var (top, left) = Padding(c);
                for (var y = 0; y < height; y++)
                {
                    for (var x = 0; x < width; x++)
                    {
                        double sum = 0;
                        for (var i = 0; i < rows; i++)
                        {
                            for (var j = 0; j < columns; j++)
                            {
                                sum += weights[(((c * rows) + i) * columns) + j] * input.At(n, c, (y * strideY) + i - top,
                                    (x * strideX) + j - left);
                            }
                        }

                        output.Values[output.Index(n, c, y, x)] = sum;
                    }
                }
            }
        }

        return output;
    }

    public Map64 Backward(Map64 gradient)
    {
        WeightGradient = new Sum64(weights.Length);
        var result = new Map64(_input.Batch, _input.Channels, _input.Height, _input.Width);
        for (var n = 0; n < gradient.Batch; n++)
        {
            for (var c = 0; c < gradient.Channels; c++)
            {
                var (top, left) = Padding(c);
                for (var y = 0; y < gradient.Height; y++)
                {
                    for (var x = 0; x < gradient.Width; x++)
                    {
                        var g = gradient.Values[gradient.Index(n, c, y, x)];
                        for (var i = 0; i < rows; i++)
                        {
                            for (var j = 0; j < columns; j++)
                            {
                                int row = (y * strideY) + i - top, column = (x * strideX) + j - left;
                                if (row < 0 || row >= _input.Height || column < 0 || column >= _input.Width) continue;
                                var weight = (((c * rows) + i) * columns) + j;
                                result.Values[_input.Index(n, c, row, column)] += weights[weight] * g;
                                WeightGradient.Add(weight, _input.Values[_input.Index(n, c, row, column)] * g);
                            }
                        }
                    }
                }
            }
        }

        return result;
    }
}
