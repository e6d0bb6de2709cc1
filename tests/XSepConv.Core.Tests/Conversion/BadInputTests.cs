using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

public class BadInputTests
{
    private static readonly long[] Input = [2, 4, 12, 12];

    public static TheoryData<string, string> Geometries() => new()
    {
        { "even", "its kernel is 6×6; XSepConv replaces odd ones" },
        { "not square", "its kernel is 5×7; XSepConv replaces square ones" },
        { "dilated", "it is dilated by 2×2" },
        { "small", "its kernel is 3×3, and MinKernel is 5" },
        { "small at stride 2", "its kernel is 5×5, and MinKernelStride2 is 7" },
        { "stride 3", "its stride is 3×3" },
        { "unequal strides", "its stride is 1×2" },
        { "not padded", "its padding is 0×0; XSepConv pads a 5×5 kernel by 2" },
        { "reflecting", "it pads with Reflect" },
        { "multiplying", "it makes 8 channels of 4" },
    };

    [Theory]
    [MemberData(nameof(Geometries))]
    public void Kernels_that_XSepConv_cannot_stand_for_are_left_and_listed(string geometry, string reason)
    {
        var conv = geometry switch
        {
            "even" => Conv2d(4, 4, 6, padding: 3, groups: 4),
            "not square" => Conv2d(4, 4, (5, 7), padding: (2, 3), groups: 4),
            "dilated" => Conv2d(4, 4, 5, padding: 4, dilation: 2, groups: 4),
            "small" => Conv2d(4, 4, 3, padding: 1, groups: 4),
            "small at stride 2" => Conv2d(4, 4, 5, stride: 2, padding: 2, groups: 4),
            "stride 3" => Conv2d(4, 4, 7, stride: 3, padding: 3, groups: 4),
            "unequal strides" => Conv2d(4, 4, (5, 5), stride: (1, 2), padding: (2, 2), groups: 4),
            "not padded" => Conv2d(4, 4, 5, groups: 4),
            "reflecting" => Conv2d(4, 4, 5, padding: 2, groups: 4, padding_mode: PaddingModes.Reflect),
            _ => Conv2d(4, 8, 5, padding: 2, groups: 4),
        };
        using var network = Sequential(("odd", conv), ("norm", BatchNorm2d(geometry == "multiplying" ? 8 : 4)));

        Assert.Contains(reason, Assert.Single(XSepConverter.Preview(network, Input).Left).Reason);
        var error = Assert.Throws<InvalidOperationException>(() => XSepConverter.Convert(network, Input));
        Assert.Contains("nothing to replace", error.Message);
        Assert.Contains($"odd: {reason}", error.Message);
    }

    [Fact]
    public void Padding_by_name_is_padding_by_half()
    {
        using var network = Sequential(Conv2d(4, 4, 5, padding: Padding.Same, groups: 4), BatchNorm2d(4));
        Assert.Single(XSepConverter.Convert(network, Input).Replaced);
    }

    [Fact]
    public void A_network_without_depthwise_convolutions_is_told_so()
    {
        using var network = Sequential(Conv2d(4, 4, 5, padding: 2), BatchNorm2d(4), Conv2d(4, 4, 5, groups: 2));
        var error = Assert.Throws<InvalidOperationException>(() => XSepConverter.Convert(network, Input));
        Assert.Contains("no depthwise TorchSharp.Modules.Conv2d", error.Message);
        Assert.Contains("Nothing to replace", XSepConverter.Preview(network, Input).ToString());
    }

    [Fact]
    public void A_network_that_registered_nothing_is_told_how_to()
    {
        using var network = new Unregistered();
        var error = Assert.Throws<InvalidOperationException>(() => XSepConverter.Convert(network, Input));
        Assert.Contains("RegisterComponents()", error.Message);
    }

    [Fact]
    public void A_convolution_without_a_batch_norm_is_replaced_unless_that_is_switched_off()
    {
        using var network = Sequential(("dw", Conv2d(4, 4, 5, padding: 2, groups: 4)), ("act", ReLU()), ("norm", BatchNorm2d(4)));
        var left = Assert.Single(XSepConverter.Preview(network, Input, new() { WithoutBatchNorm = false }).Left);
        Assert.Equal("no TorchSharp.Modules.BatchNorm2d takes its output, and WithoutBatchNorm is false", left.Reason);

        var layer = Assert.Single(XSepConverter.Convert(network, Input).Replaced);
        Assert.Null(layer.BatchNormPath);
        Assert.Equal(["dw", "act", "norm"], network.named_children().Select(child => child.name));
        Assert.IsType<TorchSharp.Modules.BatchNorm2d>(network[2]);
    }

    [Fact]
    public void Layers_that_do_not_run_or_are_the_module_itself_are_left()
    {
        using var alone = Conv2d(4, 4, 5, padding: 2, groups: 4);
        Assert.Contains("module itself", Assert.Single(XSepConverter.Preview(alone, Input).Left).Reason);

        using var idle = new Idle();
        Assert.Contains("did not run", Assert.Single(XSepConverter.Preview(idle, Input).Left).Reason);
    }

    [Fact]
    public void A_batch_norm_without_running_statistics_is_left()
    {
        using var network = Sequential(Conv2d(4, 4, 5, padding: 2, groups: 4), BatchNorm2d(4, track_running_stats: false));
        Assert.Contains("keeps no running statistics", Assert.Single(XSepConverter.Preview(network, Input).Left).Reason);
    }

    [Theory]
    [InlineData(new long[] { })]
    [InlineData(new long[] { 1, 4, 0, 8 })]
    [InlineData(new long[] { 1, 3, 8, 8 })]
    public void An_input_shape_that_does_not_fit_is_refused(long[] input)
    {
        using var network = Sequential(Conv2d(4, 4, 5, padding: 2, groups: 4), BatchNorm2d(4));
        var error = Assert.Throws<ArgumentException>(() => XSepConverter.Convert(network, input));
        Assert.Equal("input", error.ParamName);
        Assert.Contains($"[{string.Join(", ", input)}]", error.Message);
    }

    public static TheoryData<string, string> Options() => new()
    {
        { "kernel", "MinKernel" }, { "kernel at stride 2", "MinKernelStride2" }, { "activation", "Activation" }, { "initialisation", "Initialise" },
        { "no images", "Calibration" }, { "one image", "Calibration" }, { "other images", "Calibration" }, { "not finite", "Calibration" },
        { "steps", "FitSteps" }, { "batch", "FitBatch" },
    };

    [Theory]
    [MemberData(nameof(Options))]
    public void An_option_out_of_range_is_named(string what, string name)
    {
        using var scope = NewDisposeScope();
        var network = Sequential(Conv2d(4, 4, 5, padding: 2, groups: 4), BatchNorm2d(4));
        var fit = new ConversionOptions { Initialise = KernelInitialisation.Fit, Calibration = randn(4, 4, 12, 12) };
        var options = what switch
        {
            "kernel" => new ConversionOptions { MinKernel = 4 },
            "kernel at stride 2" => new() { MinKernelStride2 = 0 },
            "activation" => new() { Activation = (Activation)9 },
            "initialisation" => new() { Initialise = (KernelInitialisation)9 },
            "no images" => fit with { Calibration = null },
            "one image" => fit with { Calibration = randn(1, 4, 12, 12) },
            "other images" => fit with { Calibration = randn(4, 3, 12, 12) },
            "not finite" => fit with { Calibration = full([4, 4, 12, 12], float.NaN) },
            "steps" => fit with { FitSteps = -1 },
            _ => fit with { FitBatch = 1 },
        };

        Assert.Equal(name, Assert.ThrowsAny<ArgumentException>(() => XSepConverter.Convert(network, Input, options)).ParamName);
        Assert.IsType<TorchSharp.Modules.Conv2d>(network[0]);
    }

    // Whoever sets one of them wants a fit, and would get random weights.
    [Fact]
    public void Options_of_a_fit_without_a_fit_are_refused()
    {
        using var scope = NewDisposeScope();
        using var table = new MobileNet(PublishedSpec.MobileNetV2(new() { NumClasses = 3, Width = 0.25, Kernels = [5] }));
        var network = Sequential(Conv2d(4, 4, 5, padding: 2, groups: 4), BatchNorm2d(4));
        foreach (var (name, options) in new (string, ConversionOptions)[]
        {
            (nameof(ConversionOptions.Calibration), new() { Calibration = randn(4, 4, 12, 12) }),
            (nameof(ConversionOptions.FitSteps), new() { FitSteps = 10 }),
            (nameof(ConversionOptions.FitBatch), new() { FitBatch = 10 }),
        })
        {
            foreach (var convert in new Action[]
            {
                () => XSepConverter.Convert(network, Input, options), () => XSepConverter.Preview(network, Input, options),
                () => NetworkConverter.Convert(table, (32, 32), options),
            })
            {
                var error = Assert.Throws<ArgumentException>(convert);
                Assert.Equal(name, error.ParamName);
                Assert.Contains("Initialise is Random", error.Message, StringComparison.Ordinal);
            }
        }

        Assert.IsType<TorchSharp.Modules.Conv2d>(network[0]);
    }

    [Fact]
    public void A_preview_of_a_fit_needs_no_images()
    {
        using var network = Sequential(Conv2d(4, 4, 5, padding: 2, groups: 4), BatchNorm2d(4));
        Assert.Single(XSepConverter.Preview(network, Input, new() { Initialise = KernelInitialisation.Fit }).Replaced);
    }

    private sealed class Unregistered() : Module<Tensor, Tensor>(nameof(Unregistered))
    {
        private readonly Module<Tensor, Tensor> conv = Conv2d(4, 4, 5, padding: 2, groups: 4);

        public override Tensor forward(Tensor x) => conv.call(x);
    }

    private sealed class Idle : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Conv2d(4, 4, 5, padding: 2, groups: 4), other = Conv2d(4, 4, 1);

        public Idle() : base(nameof(Idle)) => RegisterComponents();

        public override Tensor forward(Tensor x) => other.call(x);
    }
}
