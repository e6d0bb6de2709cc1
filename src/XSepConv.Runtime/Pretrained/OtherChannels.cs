namespace XSepConv;

/// <summary>What was trained on images of some channels, for images of others: timm's <c>adapt_input_conv</c>.</summary>
internal static class OtherChannels
{
    /// <summary>The key of the first convolution's weights.</summary>
    public const string FirstWeight = "conv1.weight";

    /// <summary>
    /// The first convolution's weights: for one channel their sum, as if a grey image had been given as red, green and blue; for more, one
    /// after the other and over again, times old/new channels, so that the sums stay about as large.
    /// </summary>
    /// <param name="weight">[O, I, K, K], of floating-point numbers.</param>
    /// <param name="channels">Those of the images, 1 or more.</param>
    /// <returns>[O, channels, K, K]; narrow types become F32.</returns>
    public static SafeTensor Of(SafeTensor weight, int channels)
    {
        var (outputs, inputs, taps) = ((int)weight.Shape[0], (int)weight.Shape[1], (int)(weight.Shape[2] * weight.Shape[3]));
        if (inputs == channels) return weight;
        var values = TensorValues.Read(weight.Type, weight.Data.Span);
        var type = weight.Type == SafeTensorType.F64 ? SafeTensorType.F64 : SafeTensorType.F32;
        var others = new double[(long)outputs * channels * taps];
        for (var i = 0; i < others.Length; i++)
        {
            var (output, channel, tap) = (i / (channels * taps), i / taps % channels, i % taps);
            others[i] = channels == 1
                ? Enumerable.Range(0, inputs).Sum(input => Value(output, input, tap))
                : Value(output, channel % inputs, tap) * inputs / channels;
        }

        return new(weight.Name, type, [outputs, channels, .. weight.Shape[2..]], TensorValues.Write(type, others));

        double Value(int output, int input, int tap) => values[(((output * inputs) + input) * taps) + tap];
    }

    /// <summary>The preparation of such images: for one channel the means of all, for more each in turn.</summary>
    public static DataSpec Of(DataSpec data, int channels) => data.Channels == channels ? data : data with
    {
        Channels = channels,
        Mean = Of(data.Mean, channels),
        Std = Of(data.Std, channels),
    };

    /// <summary>What was done to the first convolution, in words.</summary>
    public static string Describe(int from, int to) => to == 1
        ? $"its first convolution summed over {from} channels"
        : FormattableString.Invariant(
            $"its first convolution repeated for {to} channels instead of {from}, times {(double)from / to:0.###}");

    private static double[] Of(IReadOnlyList<double> values, int channels) => channels == 1
        ? [values.Average()]
        : [.. Enumerable.Range(0, channels).Select(channel => values[channel % values.Count])];
}
