using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Evaluation;

/// <summary>A network whose modules are no longer those of its spec.</summary>
public sealed class ChangedNetworkTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string> Changes => ["stride", "dilation", "another layer", "no mean", "another block"];

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Changes))]
    public void It_is_not_compiled(string change)
    {
        var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), seed: 1);
        _ = network.Compile();
        Change(network, change);
        var refused = Assert.Throws<InvalidOperationException>(() => network.Compile());
        Assert.StartsWith("The network can't be compiled, since ", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void It_is_not_converted(string change)
    {
        var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.Twin(EvaluatedNetwork.Small), seed: 1);
        var options = new ConversionOptions { MinKernel = 3, MinKernelStride2 = 3 };
        using (NetworkConverter.Convert(network, (24, 24), options).Network) Change(network, change);
        var refused = Assert.Throws<InvalidOperationException>(() => NetworkConverter.Convert(network, (24, 24), options));
        Assert.StartsWith("The network can't be converted, since ", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Its_last_map_is_that_of_the_layers_which_it_has(bool training)
    {
        foreach (var change in new[] { "another layer", "another block" })
        {
            var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), seed: 1);
            Change(network, change);
            network.train(training);
            using var noGrad = no_grad();
            var x = randn(4, 3, 24, 24);
            Assert.True(network.ForwardFeatures(x).equal(network.Features(x)[^1]).all().item<bool>());
        }
    }

    /// <summary>A new classifier does not make the rest what it was built of.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(0)]
    public void With_a_new_classifier_it_still_evaluates_as_it_is(int classes)
    {
        var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), seed: 1);
        Change(network, "another layer");
        network.ResetClassifier(classes);
        network.eval();
        using var noGrad = no_grad();
        var x = randn(2, 3, 24, 24);
        var logits = network.call(x);
        network.SetXSepBackend(XSepBackend.Composed);
        Assert.True(logits.allclose(network.call(x), rtol: 1e-3, atol: 1e-5));
        Assert.Throws<InvalidOperationException>(() => network.Compile());
    }

    [Fact]
    public void One_with_a_new_classifier_and_a_convolution_in_float64_is_compiled()
    {
        var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), seed: 1);
        network.ResetClassifier(5);
        network.ResetClassifier(0);
        network.ResetClassifier(4);
        network.to(float64);
        network.train();
        Assert.Equal(4, network.Compile().Spec.NumClasses);
    }

    private static void Change(MobileNet network, string change)
    {
        var blocks = EvaluatedNetwork.Part<Sequential>(network, "bneck");
        var first = (Conv2d)network.named_modules().First(entry => entry.name == "conv1").module;
        switch (change)
        {
            case "stride":
                first.stride = [2, 2];
                break;
            case "dilation":
                first.dilation = [2, 2];
                break;
            case "another layer":
                blocks.append(nn.Tanh());
                break;
            case "no mean":
                network.modules().OfType<AdaptiveAvgPool2d>().First().output_size = [2, 2];
                break;
            default:
                blocks.append(new DwBlock(3, (int)network.Spec.Blocks[^1].Out, 8, (int)network.Spec.Blocks[^1].Out));
                break;
        }
    }
}
