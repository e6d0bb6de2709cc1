using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

public class OperatorFitTests
{
    [Fact]
    public void A_network_is_converted_and_fitted_where_it_lies_whatever_the_default_device()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(11);
        var network = Separable(6, 5, 1, ScalarType.Float32);
        var calibration = randn(16, 6, 14, 14);
        set_default_device(META);
        try
        {
            var report = XSepConverter.Convert(
                network, [1, 6, 14, 14], new() { Initialise = KernelInitialisation.Fit, Calibration = calibration, FitSteps = 5 });
            Assert.True(double.IsFinite(report.Replaced.Single().FitError!.Value));
        }
        finally
        {
            set_default_device(CPU);
        }

        Assert.All(network.parameters().Concat(network.buffers()), tensor => Assert.Equal(DeviceType.CPU, tensor.device_type));
    }

    [Theory]
    [InlineData(Activation.HSwish, 5, 1, ScalarType.Float32)]
    [InlineData(Activation.HSwish, 7, 2, ScalarType.Float64)]
    [InlineData(Activation.ReLU, 5, 1, ScalarType.Float32)]
    [InlineData(Activation.HSwish, 5, 1, ScalarType.BFloat16)]
    public void A_layer_that_is_nearly_separable_is_nearly_kept(Activation activation, int k, int stride, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(11);
        var network = Separable(6, k, stride, dtype);
        var (calibration, images) = (randn(64, 6, 14, 14).to(dtype), randn(16, 6, 14, 14).to(dtype));
        network.eval();
        var expected = network.call(images).to(ScalarType.Float64);
        var report = XSepConverter.Convert(network, [1, 6, 14, 14], new()
        {
            MinKernelStride2 = 7,
            Activation = activation,
            Initialise = KernelInitialisation.Fit,
            Calibration = calibration,
            FitSteps = 60,
        });

        // 1 would be the mean of the old output, a random start is above 1. The closed form alone leaves the curvature of the activation, about a tenth.
        var most = activation == Activation.HSwish ? 0.2 : 0.5;
        Assert.InRange(report.Replaced.Single().FitError!.Value, 0, most);
        var difference = network.call(images).to(ScalarType.Float64) - expected;
        Assert.InRange((difference.square().mean() / expected.var()).sqrt().item<double>(), 0, 1.5 * most);
        Assert.All(network.parameters(), parameter => Assert.Equal(dtype, parameter.dtype));
        Assert.All(network.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void More_steps_do_not_make_it_worse_than_the_closed_form()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(12);
        var calibration = randn(32, 3, 32, 32);
        var errors = new List<double[]>();
        foreach (var steps in new[] { 0, 3, 60 })
        {
            random.manual_seed(13);
            using var network = UserNetworks.PlainSequential();
            var report = XSepConverter.Convert(network, [1, 3, 32, 32], new() { Initialise = KernelInitialisation.Fit, Calibration = calibration, FitSteps = steps });
            errors.Add([.. report.Replaced.Select(layer => layer.FitError!.Value)]);
        }

        // Random 5×5 kernels are far from separable: the mean is 1, and each must be better than that.
        Assert.All(errors[0], error => Assert.InRange(error, 0, 0.95));
        Assert.All(errors[0].Zip(errors[1]), pair => Assert.True(pair.Second <= pair.First));
        Assert.All(errors[0].Zip(errors[2]), pair => Assert.True(pair.Second < pair.First));
    }

    [Fact]
    public void In_training_mode_the_batch_statistics_of_the_calibration_images_give_what_the_running_ones_do()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(14);
        var network = Separable(4, 5, 1, ScalarType.Float64);
        var images = randn(32, 4, 10, 10, dtype: ScalarType.Float64);
        XSepConverter.Convert(network, [1, 4, 10, 10], new() { Initialise = KernelInitialisation.Fit, Calibration = images, FitSteps = 10 });
        network.eval();
        var running = network.call(images);
        network.train();
        var batch = network.call(images);

        // The same statistics by two ways, in float64.
        Assert.InRange((running - batch).abs().max().item<double>(), 0, 1e-9);
    }

    [Fact]
    public void In_closed_form_hswish_gets_a_small_signal_in_which_zero_stays_zero()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(16);
        var network = Separable(4, 5, 1, ScalarType.Float64);
        var images = rand(32, 4, 10, 10, dtype: ScalarType.Float64) + 1;
        XSepConverter.Convert(network, [1, 4, 10, 10], new() { Initialise = KernelInitialisation.Fit, Calibration = images, FitSteps = 0 });
        network.eval();

        // Zeros that pad a map are zeros between the layers too. The images are around 1.5, so a batch norm that took the mean away would move them.
        foreach (var norm in ((Module)network[0]).children().OfType<BatchNorm2d>().Take(2))
        {
            Assert.InRange(norm.call(zeros(1, 4, 3, 3, dtype: ScalarType.Float64)).abs().max().item<double>(), 0, 1e-12);
        }
    }

    [Fact]
    public void The_bias_of_a_convolution_and_a_layer_without_batch_norm_are_fitted_too()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(15);
        var network = Sequential(Conv2d(4, 4, 5, padding: 2, groups: 4));
        using (no_grad()) ((Conv2d)network[0]).bias!.copy_(tensor(new float[] { 10, -20, 0, 5 }));
        var images = randn(32, 4, 10, 10);
        XSepConverter.Convert(network, [1, 4, 10, 10], new() { Initialise = KernelInitialisation.Fit, Calibration = images, FitSteps = 0 });
        network.eval();

        // Linear regression keeps the mean exactly, but for float32's rounding of sums of 3,200 values near 20.
        var mean = network.call(images).mean([0, 2, 3]).data<float>().ToArray();
        foreach (var (actual, expected) in mean.Zip([10f, -20f, 0f, 5f])) Assert.InRange(actual, expected - 0.05, expected + 0.05);
    }

    [Theory]
    [InlineData(5, 5)]
    [InlineData(12, 12)]
    [InlineData(32, 12)] // all there are
    public void A_step_takes_as_many_images_as_FitBatch_says(int batch, int expected)
    {
        const int Steps = 7;
        using var scope = NewDisposeScope();
        random.manual_seed(17);
        var network = Separable(4, 5, 1, ScalarType.Float32);
        network.eval();
        var options = new ConversionOptions
        {
            Initialise = KernelInitialisation.Fit,
            Calibration = randn(12, 4, 9, 9),
            FitSteps = Steps,
            FitBatch = batch,
        };
        var candidate = CandidateSearch.Run(network, [1, 4, 9, 9], options).Candidates.Single();
        var module = Replacement.Create(candidate, PaddingDirection.RightBottom, options).Module;

        // In training mode a step goes through the module, otherwise the error of all images.
        var seen = new List<long>();
        module.register_forward_pre_hook((called, x) =>
        {
            if (called.training) seen.Add(x.size(0));
            return x;
        });
        using (no_grad()) OperatorFit.Run(network, candidate, module, options);
        Assert.Equal(Enumerable.Repeat((long)expected, Steps), seen);
    }

    // Gaussian blurs of different widths, with batch norm statistics and weights as after training.
    private static Sequential Separable(int channels, int k, int stride, ScalarType dtype)
    {
        var conv = Conv2d(channels, channels, k, stride: stride, padding: k / 2, groups: channels);
        var norm = BatchNorm2d(channels);
        using (no_grad())
        {
            for (var c = 0; c < channels; c++)
            {
                for (var i = 0; i < k; i++)
                {
                    for (var j = 0; j < k; j++)
                    {
                        var (y, x) = (i - (k / 2), j - (k / 2));
                        conv.weight[c, 0, i, j] = (float)(Math.Exp(-0.2 * (c + 1) * y * y) * Math.Exp(-0.5 * x * x) * (c % 2 == 0 ? 1 : x));
                    }
                }
            }

            init.uniform_(norm.weight, 0.5, 2);
            init.normal_(norm.bias!);
            init.normal_(norm.running_mean!);
            init.uniform_(norm.running_var!, 0.5, 2);
        }

        var network = Sequential(("conv", conv), ("norm", norm));
        network.to(dtype);
        return network;
    }
}
