using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>What is asked for a gradient between forward and backward.</summary>
public sealed class LateGradientTests
{
    // As a penalty on the images' gradient is written: a pass without it, then one with it. The first gives the images none, so that the
    // gradient is the second's alone, to the bit.
    [Theory]
    [InlineData(ImagePreset.Cifar)]
    [InlineData(ImagePreset.ImageNet)]
    public void Images_that_are_asked_for_it_after_the_first_of_two_passes_have_that_of_the_second(ImagePreset preset)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        using var network = new XSepMobileNetV3Small(new MobileNetV3Options { NumClasses = 3, Preset = preset, Width = 0.25, Dropout = 0 });
        network.train();
        var values = randn(5, 3, 40, 40);

        var alone = values.clone().requires_grad_();
        network.call(alone).square().sum().backward();
        var late = values.clone();
        var first = network.call(late);
        late.requires_grad = true;
        (first.sum() + network.call(late).square().sum()).backward();

        Assert.Equal(alone.grad!.data<float>().ToArray(), late.grad!.data<float>().ToArray());
    }
}
