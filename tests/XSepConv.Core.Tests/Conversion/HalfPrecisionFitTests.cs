using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

/// <summary>A fit is made in float32 and kept in the network's type, which may not hold it.</summary>
public class HalfPrecisionFitTests
{
    [Theory]
    [InlineData(ScalarType.Float16, 1, true)]
    [InlineData(ScalarType.Float16, 1e3, false)] // variances of 1e6, float16 ends at 65,504
    [InlineData(ScalarType.BFloat16, 1e3, true)]
    [InlineData(ScalarType.Float32, 1e3, true)]
    public void What_a_type_can_not_hold_is_refused_by_name(ScalarType dtype, double scale, bool holds)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        random.manual_seed(21);
        var network = Sequential(("dw", Conv2d(6, 6, 5, padding: 2, groups: 6, bias: false)), ("norm", BatchNorm2d(6)));

        // The old layers are well within any type's range: the norm has seen what comes.
        using Scalar size = scale;
        var images = randn(32, 6, 12, 12) * size;
        network.train();
        network.call(images);
        network.to(dtype).eval();
        ConversionOptions options = new()
        {
            Initialise = KernelInitialisation.Fit,
            Calibration = images.to(dtype),
            FitSteps = 10,
            Activation = Activation.ReLU,
        };
        if (holds)
        {
            XSepConverter.Convert(network, [1, 6, 12, 12], options);
            Assert.All(network.state_dict().Values, tensor => Assert.True(tensor.to(ScalarType.Float32).isfinite().all().item<bool>()));
            return;
        }

        var error = Assert.Throws<InvalidOperationException>(() => XSepConverter.Convert(network, [1, 6, 12, 12], options));
        Assert.Contains("'dw' leaves the range of Float16", error.Message, StringComparison.Ordinal);
        Assert.All(network.state_dict().Values, tensor => Assert.True(tensor.to(ScalarType.Float32).isfinite().all().item<bool>()));
    }
}
