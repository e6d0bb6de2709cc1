using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>Compares an exported module, run by ONNX Runtime in float32, with itself in float64.</summary>
internal static class Agreement
{
    /// <summary>
    /// max |ONNX − reference| / max |reference|, for batch norm kept and folded alike, as folding in double precision rounds a weight once, too.
    /// float32 rounds at 6e-8, so this is some 150 roundings of the largest value; single blocks and whole networks stay below 15 of them
    /// (1e-6, measured with AVX-512), which leaves room for other orders of summation.
    /// </summary>
    public const double Bound = 1e-5;

    /// <summary>Exports, runs every batch in ONNX Runtime and in float64, and asserts shape and values. The module is in float64 afterwards.</summary>
    /// <returns>The file.</returns>
    public static byte[] Check(nn.Module<Tensor, Tensor> module, OnnxExportOptions options, string what, params long[][] shapes) =>
        Check(module, options, what, ScalarType.Float64, shapes);

    /// <summary>The same with the module in another type, where float64 does something else.</summary>
    public static byte[] Check(
        nn.Module<Tensor, Tensor> module, OnnxExportOptions options, string what, ScalarType reference, params long[][] shapes)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        module.to(ScalarType.Float32);
        var file = OnnxRuntime.Export(module, options);
        module.to(reference);
        using var runtime = new OnnxRuntime(file);
        foreach (var shape in shapes)
        {
            var x = Input(shape, options.Normalization);
            var expected = module.call(Normalised(x.to(reference), options.Normalization)).to(ScalarType.Float64);
            Compare(expected, runtime.Run(x), Bound, $"{what}, [{string.Join(", ", shape)}]");
        }

        return file;
    }

    public static void Compare(Tensor reference, Tensor actual, double bound, string what)
    {
        Assert.Equal(reference.shape, actual.shape);
        var difference = Difference(reference, actual);
        Assert.True(difference <= bound, $"{what}: differs by {difference:g3}, at most {bound:g3} is right.");
    }

    /// <summary>max |actual − reference| / max |reference|.</summary>
    public static double Difference(Tensor reference, Tensor actual) =>
        (actual.to(ScalarType.Float64) - reference).abs().max().item<double>() / reference.abs().max().item<double>();

    public static Tensor Input(long[] shape, OnnxNormalization? normalization) => normalization?.Pixels switch
    {
        PixelRange.ZeroTo255 => randint(0, 256, shape).to(ScalarType.Float32),
        PixelRange.ZeroToOne => rand(shape),
        _ => randn(shape),
    };

    public static Tensor Normalised(Tensor x, OnnxNormalization? normalization)
    {
        if (normalization is null) return x;
        var unit = normalization.Pixels == PixelRange.ZeroTo255 ? 255.0 : 1.0;
        var (mean, std) = (tensor(normalization.Mean.ToArray()), tensor(normalization.Std.ToArray()));
        return ((x / unit) - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1);
    }
}
