using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

/// <summary>Fits of kernels up to 63 and of layers without batch norm, on maps smaller than the kernel too.</summary>
public class LargeKernelFitTests
{
    public static TheoryData<int, int, int, bool> Shapes()
    {
        var data = new TheoryData<int, int, int, bool>();
        foreach (var k in new[] { 7, 9, 15, 21, 31, 63 })
        {
            foreach (var map in new[] { 5, 14 })
            {
                data.Add(k, map, 1, true);
                data.Add(k, map, 2, false);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Where_nothing_is_negative_a_separable_kernel_is_kept_exactly(int k, int map, int stride, bool batchNorm)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(31);
        using var noGrad = no_grad();
        var conv = Conv2d(6, 6, k, stride: stride, padding: k / 2, groups: 6);
        conv.weight.copy_(rand(6, 1, k, 1) * rand(6, 1, 1, k));
        var network = Sequential(conv);
        if (batchNorm) network.append(WithStatistics(6));
        network.to(ScalarType.Float64);
        network.eval();
        var images = rand(8, 6, map, map, dtype: ScalarType.Float64);
        var expected = network.call(images);
        var report = Fit(network, rand(32, 6, map, map, dtype: ScalarType.Float64), Activation.ReLU, steps: 0);

        // Positive values pass ReLU as they are, so that all is linear; what is left is the least squares' ridge.
        Assert.InRange(report.FitError!.Value, 0, 1e-4);
        Assert.InRange(((network.call(images) - expected).abs().max() / expected.std()).ToDouble(), 0, 1e-3);
    }

    [Theory]
    [InlineData(15, 5)]
    [InlineData(31, 14)]
    [InlineData(31, 7)]
    public void Taps_that_never_meet_the_map_do_not_count(int k, int map)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(32);
        using var noGrad = no_grad();
        var conv = Conv2d(4, 4, k, padding: k / 2, groups: 4);
        conv.weight.copy_(randn(4, 1, k, k));
        var (first, reach) = ((k / 2) - (map - 1), (2 * map) - 1);
        conv.weight.narrow(2, first, reach).narrow(3, first, reach).copy_(rand(4, 1, reach, 1) * rand(4, 1, 1, reach));
        using var network = Sequential(conv);
        network.eval();

        // The taps within reach are a product, the noise around them is not: as a whole no product comes near.
        Assert.InRange(Fit(network, rand(32, 4, map, map), Activation.ReLU, steps: 0).FitError!.Value, 0, 0.01);
    }

    [Theory]
    [InlineData(15, 7)]
    [InlineData(31, 14)]
    public void On_small_maps_a_smooth_kernel_is_fitted_about_as_well_as_by_its_largest_singular_vectors(int k, int map)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(35);
        using var noGrad = no_grad();
        var conv = Conv2d(4, 4, k, padding: k / 2, groups: 4, bias: false);
        var line = arange(k).to(float32) - (k / 2);
        var blur = exp(-(line.reshape(-1, 1) - line).square() * (18f / (k * k)));
        conv.weight.copy_(blur.matmul(randn(4, 1, k, k)).matmul(blur) / k);
        var network = Sequential(conv);
        network.eval();
        var images = randn(48, 4, map, map);
        var expected = network.call(images);
        var (u, s, vh) = linalg.svd(conv.weight);
        var product = u.narrow(3, 0, 1) * s.narrow(2, 0, 1).unsqueeze(3) * vh.narrow(2, 0, 1);
        var distance = (functional.conv2d(images, product, padding: new long[] { k / 2, k / 2 }, groups: 4) - expected).square().mean();
        var least = (distance / (expected - expected.mean([0, 2, 3], keepdim: true)).square().mean()).sqrt().ToDouble();

        // The curvature of hswish leaves about a tenth more.
        Assert.InRange(Fit(network, images, Activation.HSwish, steps: 0).FitError!.Value, 0, least + 0.15);
    }

    [Fact]
    public void The_scale_of_the_output_does_not_matter()
    {
        var errors = new List<double>();
        foreach (var scale in new[] { 1, 1024, 1.0 / 1024 })
        {
            using var scope = NewDisposeScope();
            random.manual_seed(33);
            using var noGrad = no_grad();
            var conv = Conv2d(4, 4, 9, padding: 4, groups: 4);
            conv.weight.mul_(scale);
            conv.bias!.mul_(scale);
            using var network = Sequential(conv);
            network.to(ScalarType.Float64);
            network.eval();
            var images = randn(32, 4, 10, 10, dtype: ScalarType.Float64);
            var expected = network.call(images);
            errors.Add(Fit(network, images, Activation.HSwish, steps: 20).FitError!.Value);
            var distance = (network.call(images) - expected).square().mean() / (expected - expected.mean([0, 2, 3], keepdim: true)).square().mean();
            Assert.Equal(distance.sqrt().ToDouble(), errors[^1], 9);
        }

        // Powers of two change no bit but the exponent's.
        Assert.Equal(errors[0], errors[1], 9);
        Assert.Equal(errors[0], errors[2], 9);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void A_kernel_of_zeros_is_kept_too(bool batchNorm, bool bias)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(34);
        using var noGrad = no_grad();
        var conv = Conv2d(4, 4, 31, padding: 15, groups: 4, bias: bias);
        conv.weight.zero_();
        using var network = Sequential(conv);
        if (batchNorm) network.append(WithStatistics(4));
        network.eval();
        var images = randn(8, 4, 10, 10);
        var expected = network.call(images);
        Assert.InRange(Fit(network, images, Activation.HSwish, steps: 5).FitError!.Value, 0, 1e-4);
        Assert.InRange((network.call(images) - expected).abs().max().ToDouble(), 0, 1e-4);
    }

    [Fact]
    public void The_use_of_taps_is_that_counted_by_hand()
    {
        // Two pixels, a tap on the own one and its neighbours: those reach a pixel from one output of two, the third beyond from none.
        Assert.Equal([0.5, 1, 0.5, 1e-6], TapUse.Of(2, stride: 1, taps: 4, own: 1));

        // Outputs at 0, 2 and 4 of five pixels: −1 lies inside for 2 and 4, +1 for 0 and 2, +2 too.
        Assert.Equal([2.0 / 3, 1, 2.0 / 3, 2.0 / 3], TapUse.Of(5, stride: 2, taps: 4, own: 1));
    }

    private static ReplacedLayer Fit(Module<Tensor, Tensor> network, Tensor images, Activation activation, int steps)
    {
        long[] input = [1, .. images.shape[1..]];
        var options = new ConversionOptions { Activation = activation, Initialise = KernelInitialisation.Fit, Calibration = images, FitSteps = steps };
        return Assert.Single(XSepConverter.Convert(network, input, options).Replaced);
    }

    private static BatchNorm2d WithStatistics(int channels)
    {
        var norm = BatchNorm2d(channels);
        init.uniform_(norm.weight, 0.5, 2);
        init.normal_(norm.bias!);
        init.normal_(norm.running_mean!);
        init.uniform_(norm.running_var!, 0.5, 2);
        return norm;
    }
}
