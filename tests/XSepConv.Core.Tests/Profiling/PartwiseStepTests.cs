using System.Diagnostics;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Profiling;

/// <summary>A step that is cut into parts computes what autograd computes in one go.</summary>
public sealed class PartwiseStepTests
{
    // The same operators on the same values; sums of a few gradients may be taken in another order.
    private const double Float64 = 1e-12, Float32 = 1e-5;

    [Theory]
    [InlineData("xsep", XSepBackend.Auto)]
    [InlineData("xsep", XSepBackend.Composed)]
    [InlineData("twin", XSepBackend.Auto)]
    public void Its_gradients_are_those_of_the_whole_step(string name, XSepBackend backend)
    {
        using var scope = NewDisposeScope();
        var dtype = backend == XSepBackend.Composed ? ScalarType.Float64 : ScalarType.Float32;
        var options = new MobileNetV3Options { Preset = ImagePreset.Cifar, NumClasses = 5, Width = 0.25 };
        random.manual_seed(2);
        using var network = new MobileNet(
            name == "twin" ? MobileNetV3SmallSpec.Twin(options) : MobileNetV3SmallSpec.XSep(options), dtype: dtype);
        network.SetXSepBackend(backend);
        var step = new PartwiseStep(network, randn(6, 3, 16, 16, dtype: dtype), randint(0, 5, [6]), () => null);

        step.Whole();
        var expected = Gradients(network);
        var times = step.PartByPart();
        var actual = Gradients(network);

        Assert.Equal(step.Parts.Count, times.Length);
        Assert.Equal(network.named_parameters().Count(), expected.Count);
        Assert.All(expected, entry =>
        {
            var distance = (actual[entry.Key] - entry.Value).norm().to(float64).item<double>()
                / Math.Max(1e-30, entry.Value.norm().to(float64).item<double>());
            Assert.True(distance <= (dtype == ScalarType.Float64 ? Float64 : Float32), $"{entry.Key}: {distance:E1}");
        });
    }

    [Fact]
    public void Every_layer_is_in_one_part()
    {
        using var network = new XSepMobileNetV3Small();
        var parts = network.Parts.ToList();

        Assert.All(ModelProfile.Of(network, 1, 3, 64, 64).Layers, layer => Assert.Single(parts, part => part.Has(layer.Name)));
    }

    [Fact]
    public void What_a_part_keeps_is_what_there_is_more_behind_its_forward()
    {
        using var network = new MobileNet(MobileNetV3SmallSpec.XSep(new() { Preset = ImagePreset.Cifar, NumClasses = 3, Width = 0.25 }));
        var asked = 0L;
        var step = new PartwiseStep(network, zeros(2, 3, 8, 8), zeros(2, dtype: ScalarType.Int64), () => asked * asked++);

        // Asked before and behind each: (2i + 1)² − (2i)².
        Assert.Equal(
            Enumerable.Range(0, step.Parts.Count).Select(i => (long?)((4 * i) + 1)), step.PartByPart().Select(time => time.KeptBytes));
    }

    /// <summary>One that waits has taken that long at the least, whatever else the machine does.</summary>
    [Theory]
    [InlineData("conv1", "conv1 + bn1")]
    [InlineData("bneck.3.conv2", "bneck.3")]
    [InlineData("bneck.10.conv1", "bneck.10")]
    [InlineData("linear4", "linear3 + bn3 + linear4")]
    public void A_part_that_waits_is_named_with_its_wait(string layer, string part)
    {
        var wait = TimeSpan.FromMilliseconds(100);
        using var network = new MobileNet(MobileNetV3SmallSpec.XSep(new() { Preset = ImagePreset.Cifar, NumClasses = 3, Width = 0.25 }));
        network.SetXSepBackend(XSepBackend.Composed);
        ((nn.Module<Tensor, Tensor>)network.named_modules().Single(entry => entry.name == layer).module).register_forward_hook((_, _, y) =>
        {
            var start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < wait) Thread.Sleep(1);
            return y;
        });
        var step = new PartwiseStep(network, zeros(2, 3, 8, 8), zeros(2, dtype: ScalarType.Int64), () => null);

        var times = step.PartByPart();
        Assert.InRange(times[step.Parts.Select(one => one.Name).ToList().IndexOf(part)].Forward, wait, TimeSpan.MaxValue);
    }

    private static Dictionary<string, Tensor> Gradients(MobileNet network) =>
        network.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.grad!.clone());
}
