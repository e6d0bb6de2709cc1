using System.Reflection;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>The networks of TorchSharp's TorchVision, whose blocks are private classes.</summary>
public sealed class TorchVisionTests
{
    private static IEnumerable<(string What, nn.Module<Tensor, Tensor> Module, (int, int)? Size, long[] Shape)> Networks()
    {
        yield return ("MobileNetV2", torchvision.models.mobilenet_v2(7, width_mult: 0.35), null, [2, 3, 64, 48]);
        yield return ("MobileNetV3-Small", torchvision.models.mobilenet_v3_small(), null, [2, 3, 64, 48]);
        yield return ("ResNet-18", torchvision.models.resnet18(7), null, [2, 3, 64, 48]);
        yield return ("ResNet of bottlenecks", Bottlenecks(), null, [2, 3, 64, 48]);
        yield return ("AlexNet, as VGG is built", AlexNet(), (64, 70), [1, 3, 64, 70]);
        yield return ("StochasticDepth", nn.Sequential(nn.Conv2d(3, 3, 1), torchvision.ops.StochasticDepth(0.3,
            torchvision.StochasticDepth.Mode.Row)), null, [2, 3, 5, 4]);
        yield return ("SqueezeExcitation", nn.Sequential(nn.Conv2d(3, 8, 1), torchvision.ops.SqueezeExcitation(8, 2)), null, [2, 3, 5, 4]);
        yield return ("MLP", torchvision.ops.MLP(5, [7, 3], norm_layer: width => nn.BatchNorm1d(width)), null, [2, 5]);
    }

    [Theory]
    [InlineData(OnnxBatchNorm.Folded, OnnxExporter.OpsetVersion)]
    [InlineData(OnnxBatchNorm.Kept, OnnxExporter.OldestOpsetVersion)]
    public void Its_networks_and_blocks_compute_the_same(OnnxBatchNorm norm, int opset)
    {
        foreach (var (what, network, size, shape) in Networks())
        {
            using var module = Randomised.Eval(network, 5);
            var file = Agreement.Check(module, new() { BatchNorm = norm, Opset = opset, Size = size }, what, shape);
            if (norm == OnnxBatchNorm.Folded) Assert.False(OnnxFile.Info(file).Operators.ContainsKey("BatchNormalization"), what);
        }
    }

    [Fact]
    public void A_part_of_its_network_is_exported_alone()
    {
        using var network = Randomised.Eval(torchvision.models.mobilenet_v3_small(), 3);
        foreach (
            var block in ((Sequential)network.named_children().Single(child => child.name == "features").module).children().Skip(1).Take(3))
        {
            var part = (nn.Module<Tensor, Tensor>)block;
            Agreement.Check(part, new(), part.GetType().FullName!,
                [2, part.parameters().First(p => p.ndim == 4).shape is [_, 1, ..] ? 16 : part.parameters().First().shape[1], 9, 8]);
        }
    }

    // What a later version might hold: a part more.
    [Fact]
    public void A_block_with_other_parts_than_known_is_refused()
    {
        using var network = torchvision.models.resnet18(3);
        var block = network.modules().First(module => module.GetType().Name == "BasicBlock");
        block.register_module("attention", nn.Sigmoid());
        var error = Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(network));
        Assert.StartsWith(
            "'layer1.0' is a TorchSharp.Modules.ResNet.BasicBlock, which can't be exported: it is otherwise in TorchVision ",
            error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_network_of_it_is_refused_by_name()
    {
        using var network = torchvision.models.googlenet(3);
        var error = Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(network));
        Assert.StartsWith(
            "the module itself is a TorchSharp.Modules.GoogleNet, which can't be exported: it is none of the classes that are known here",
            error.Message, StringComparison.Ordinal);
    }

    // With a small classifier: its own has 57 million weights, VGG's 120.
    private static AlexNet AlexNet()
    {
        var network = torchvision.models.alexnet(3);
        var classifier = network.children().OfType<Sequential>().Last();
        foreach (var (from, layer) in new[] { (1, nn.Linear(256 * 6 * 6, 8)), (4, nn.Linear(8, 5)), (6, nn.Linear(5, 3)) })
        {
            var linear = (Linear)classifier[from];
            (linear.weight, linear.bias) = (layer.weight, layer.bias);
        }

        return network;
    }

    // ResNet-50's block in a shallow network: the class is private, so it is made as the package makes it.
    private static ResNet Bottlenecks()
    {
        var block = typeof(ResNet).GetNestedType("Bottleneck", BindingFlags.NonPublic)!;
        return new(
            "bottlenecks",
            (inputs, planes, stride, downsample, groups, width, dilation, norm) => (nn.Module<Tensor, Tensor>)Activator.CreateInstance(
                block, inputs, planes, stride, downsample, groups, width, dilation, norm)!,
            expansion: 4, [1, 1, 2, 1], numClasses: 5);
    }
}
