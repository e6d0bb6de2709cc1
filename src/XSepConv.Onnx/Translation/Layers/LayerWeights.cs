using TorchSharp.Modules;

namespace XSepConv.Onnx;

/// <summary>The weights of a convolution or linear layer, outputs first.</summary>
/// <param name="Shape">[out, in/groups, kernel height, kernel width], or [out, in].</param>
/// <param name="Kernel">The values, row-major.</param>
/// <param name="Bias">A value an output; null without bias.</param>
internal sealed record LayerWeights(ModuleAt At, long[] Shape, double[] Kernel, double[]? Bias)
{
    public static LayerWeights Of(ModuleAt at)
    {
        var (weight, bias) = at.Module is Linear linear
            ? (linear.weight, linear.bias)
            : (((Conv2d)at.Module).weight, ((Conv2d)at.Module).bias);
        return new(at, weight.shape, TensorBytes.Doubles(weight), bias is null ? null : TensorBytes.Doubles(bias));
    }

    /// <summary>Takes in the batch norm that follows, in double precision.</summary>
    /// <exception cref="ArgumentException">What comes out is no finite float32.</exception>
    public LayerWeights Folded(BatchNormValues norm)
    {
        var (factor, offset) = norm.Affine();
        var perOutput = Kernel.Length / factor.Length;
        var kernel = new double[Kernel.Length];
        for (var i = 0; i < kernel.Length; i++) kernel[i] = Kernel[i] * factor[i / perOutput];
        double[] shifts = [.. offset.Select((value, c) => Bias is null ? value : value + (Bias[c] * factor[c]))];
        var infinite = Enumerable.Range(0, factor.Length).FirstOrDefault(
            c => !IsFloat(shifts[c]) || kernel.Skip(c * perOutput).Take(perOutput).Any(value => !IsFloat(value)), -1);
        return infinite < 0
            ? this with { Kernel = kernel, Bias = shifts }
            : throw new ArgumentException(
                $"{norm.At.Where} is a batch norm that can't be folded into {At.Where}: "
                + FormattableString.Invariant(
                    $"its channel {infinite} has the variance {norm.Variance[infinite]}, epsilon is {norm.Epsilon}, ")
                + "and weights come out that are no finite float32.");

        static bool IsFloat(double value) => float.IsFinite((float)value);
    }
}
