using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Models;

/// <summary>A network's dropout, as the spec has it: what the classifier gets of the features.</summary>
public sealed class DropoutTests
{
    [Theory]
    [InlineData(0.5, true)]
    [InlineData(0.25, true)]
    [InlineData(0.5, false)]
    public void The_spec_s_share_of_the_features_is_lost_in_training_and_the_rest_scaled(double share, bool training)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(6);
        using var network = new XSepMobileNetV3Small(
            new MobileNetV3Options { NumClasses = 3, Preset = ImagePreset.Cifar, Width = 0.25, Dropout = share });
        network.train(training);
        Tensor? features = null, taken = null;
        var layers = network.named_children().ToDictionary(child => child.name, child => child.module);
        ((Dropout)layers["dropout"]).register_forward_pre_hook((_, x) =>
        {
            features = x.detach().clone().DetachFromDisposeScope();
            return x;
        });
        ((Linear)layers["linear4"]).register_forward_pre_hook((_, x) =>
        {
            taken = x.detach().clone().DetachFromDisposeScope();
            return x;
        });
        network.call(randn(8, 3, 32, 32));
        using var before = features!;
        using var after = taken!;

        // Features that are 0 anyway say nothing.
        var there = before.ne(0);
        var lost = after.eq(0).logical_and(there);
        var count = there.sum().ToInt64();
        Assert.InRange(count, 2_000, long.MaxValue);
        var scaled = training ? before / (1 - share) : before;
        Assert.True(where(lost, zeros_like(before), scaled).allclose(after, rtol: 1e-6, atol: 0));

        // Five standard deviations.
        var expected = training ? share : 0;
        Assert.Equal(expected, lost.sum().ToInt64() / (double)count, 5 * Math.Sqrt(expected * (1 - expected) / count));
    }
}
