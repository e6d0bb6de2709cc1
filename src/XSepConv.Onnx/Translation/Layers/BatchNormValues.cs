using TorchSharp.Modules;

namespace XSepConv.Onnx;

/// <summary>Batch norm as it is in eval mode: y = scale · (x − mean) / √(variance + epsilon) + shift, a value a channel.</summary>
internal sealed record BatchNormValues(ModuleAt At, double[] Scale, double[] Shift, double[] Mean, double[] Variance, double Epsilon)
{
    /// <exception cref="NotSupportedException">It keeps no running statistics.</exception>
    public static BatchNormValues Of(ModuleAt at)
    {
        var norm = (BatchNorm)at.Module;
        if (norm.running_mean is not { } mean || norm.running_var is not { } variance)
        {
            throw new NotSupportedException(
                $"{at.Where} is a batch norm without running statistics, whose output depends on the batch; it can't be exported.");
        }

        var channels = (int)norm.num_features;
        var scale = norm.weight is { } weight ? TensorBytes.Doubles(weight) : Enumerable.Repeat(1.0, channels).ToArray();
        var shift = norm.bias is { } bias ? TensorBytes.Doubles(bias) : new double[channels];
        return new(at, scale, shift, TensorBytes.Doubles(mean), TensorBytes.Doubles(variance), norm.eps);
    }

    /// <summary>That after a layer.</summary>
    /// <inheritdoc cref="Of(ModuleAt)" path="/exception"/>
    /// <exception cref="ArgumentException">The layer has another number of outputs.</exception>
    public static BatchNormValues Of(ModuleAt at, LayerWeights before)
    {
        var values = Of(at);
        return values.Mean.Length == before.Shape[0]
            ? values
            : throw new ArgumentException(
                $"{at.Where} is a batch norm of {values.Mean.Length} channels, it gets the {before.Shape[0]} of {before.At.Where}.");
    }

    /// <summary>The same as y = factor · x + offset.</summary>
    public (double[] Factor, double[] Offset) Affine()
    {
        var factor = Scale.Zip(Variance, (scale, variance) => scale / Math.Sqrt(variance + Epsilon)).ToArray();
        return (factor, [.. Shift.Select((shift, c) => shift - (Mean[c] * factor[c]))]);
    }
}
