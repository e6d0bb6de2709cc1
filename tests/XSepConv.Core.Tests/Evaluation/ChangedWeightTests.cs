using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Evaluation;

/// <summary>Weights that were packed and then changed, in every way that there is, are never run as they were.</summary>
public sealed class ChangedWeightTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly OneThread _thread = new();

    public void Dispose()
    {
        _thread.Dispose();
        _scope.Dispose();
    }

    // So few rows that a change of any of them can be told in the logits.
    private static readonly NetworkSpec s_spec = new()
    {
        Name = "few rows",
        InputChannels = 3,
        NumClasses = 5,
        StemChannels = 8,
        StemStride = 1,
        Blocks =
        [
            new(BlockKind.Dw, 3, 8, 20, 12, Activation.ReLU, SqueezeExcite.Output, 1),
            new(BlockKind.XSep, 5, 12, 24, 12, Activation.HSwish, SqueezeExcite.Expanded, 1),
            new(BlockKind.InvertedResidual, 3, 12, 24, 12, Activation.HSwish, SqueezeExcite.Expanded, 2),
        ],
        LastChannels = 20,
        HiddenFeatures = 24,
    };

    public static TheoryData<string> Changes() => [.. s_changes.Keys];

    private static readonly Dictionary<string, Action<MobileNet>> s_changes = new()
    {
        ["a step of torch's SGD"] = network => Step(network, optim.SGD(network.parameters(), 0.1)),
        ["a step of torch's AdamW"] = network => Step(network, optim.AdamW(network.parameters(), 0.01)),
        ["load_state_dict"] = network =>
        {
            using var other = EvaluatedNetwork.Create(network.Spec, 77);
            network.load_state_dict(other.state_dict());
        },
        ["load_state_dict of one key"] = network =>
        {
            var state = network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
            state["bneck.2.bn1.bias"].add_(0.5);
            network.load_state_dict(state);
        },
        ["LoadSafeTensors"] = network =>
        {
            using var folder = new TemporaryFolder();
            using var other = EvaluatedNetwork.Create(network.Spec, 78);
            var path = folder.File("other.safetensors");
            other.SaveSafeTensors(path);
            network.LoadSafeTensors(path);
        },
        ["mul_"] = network => network.get_parameter("conv2.weight")!.mul_(1.5),
        ["copy_"] = network => network.get_parameter("linear3.weight")!.copy_(randn_like(network.get_parameter("linear3.weight")!)),
        ["set_"] = network => network.get_parameter("bn1.weight")!.set_(network.get_parameter("bn1.weight")!.clone() * 2),
        ["one value"] = network => network.get_parameter("linear4.bias")![1] += 1,
        ["one value, through detach"] = network => network.get_parameter("linear4.weight")!.detach()[0, 2] += 1,
        ["one value, through data"] = network => network.get_parameter("linear4.weight")!.data<float>()[1, 5] += 1,
        ["signs, through bytes"] = network =>
        {
            var bytes = network.get_parameter("bneck.2.conv1.weight")!.bytes;
            for (var i = 3; i < bytes.Length; i += 4) bytes[i] ^= 0x80;
        },
        ["two values exchanged"] = network =>
        {
            var values = MemoryMarshal.Cast<byte, float>(network.get_parameter("linear4.weight")!.bytes);
            (values[0], values[1]) = (values[1], values[0]);
        },
        ["a view of it"] = network => network.get_parameter("bneck.1.conv5.weight")!.view(-1).narrow(0, 3, 9).fill_(3),
        ["a running mean"] = network => network.get_buffer("bn2.running_mean")!.add_(0.5),
        ["a running variance"] = network => network.get_buffer("bn3.running_var")!.mul_(4),
        ["a forward in training mode"] = network =>
        {
            network.train();
            network.call(randn(4, 3, 16, 16) + 2);
            network.eval();
        },
        ["a forward in training mode with gradients"] = network =>
        {
            using var grad = enable_grad();
            network.train();
            network.call(randn(4, 3, 16, 16) + 2).sum().backward();
            network.eval();
        },
        ["a forward of one norm in training mode"] = network =>
        {
            var block = (XSepBlock)network.modules().First(module => module is XSepBlock);
            block.train();
            block.call((randn(4, block.Spec.In, 8, 8) * 5) + 20);
            block.eval();
        },
        ["eps"] = network => Norm(network, "bneck.2.bn3").eps = 0.7,
        ["eps of the head"] = network => Norm(network, "bn3").eps = 0.7,
        ["to float64 and back"] = network =>
        {
            network.to(float64);
            network.get_parameter("conv1.weight")!.mul_(2);
            network.to(float32);
        },
        ["a parameter replaced"] = network =>
        {
            var conv = EvaluatedNetwork.Part<Conv2d>(network, "conv2");
            conv.weight = new Parameter(conv.weight.detach() * -1);
        },
        ["a buffer replaced"] = network => Norm(network, "bn2").running_mean = ones_like(Norm(network, "bn2").running_mean!),
        ["a layer's weights drawn anew"] = network => nn.init.kaiming_normal_(EvaluatedNetwork.Part<Conv2d>(network, "bneck.0.conv1").weight),
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void It_is_seen(string change)
    {
        using var network = EvaluatedNetwork.Create(s_spec, 20);
        using var noGrad = no_grad();
        var x = randn(3, 3, 8, 8);
        var before = EvaluatedNetwork.Check(network, x);
        s_changes[change](network);
        var after = EvaluatedNetwork.Again(network, x, after: change);
        Assert.True(before.Zip(after, (a, b) => Math.Abs(a - b)).Max() > 1e-3 * before.Max(Math.Abs), $"{change} changes nothing");
        Assert.Equal(after, network.call(x).data<float>().ToArray());
    }

    [Theory]
    [InlineData(7)]
    [InlineData(0)]
    public void A_new_classifier_or_none_is_compiled_anew(int classes)
    {
        using var scope = NewDisposeScope();
        var x = randn(2, 3, 24, 24);
        using var network = EvaluatedNetwork.Create(MobileNetV3SmallSpec.XSep(EvaluatedNetwork.Small), seed: 1);
        network.eval();
        EvaluatedNetwork.Check(network, x);
        network.ResetClassifier(classes);
        EvaluatedNetwork.Again(network, x);
    }

    [Fact]
    public void Every_value_that_evaluation_reads_is_looked_at()
    {
        using var network = EvaluatedNetwork.Create(s_spec, 21);
        using var noGrad = no_grad();
        var x = randn(2, 3, 8, 8);
        foreach (var (key, tensor) in network.state_dict().Where(entry => entry.Value.is_floating_point() && entry.Value.numel() > 1))
        {
            var held = tensor.clone();
            foreach (var place in new[] { 0, tensor.numel() - 1 })
            {
                EvaluatedNetwork.Check(network, x);
                MemoryMarshal.Cast<byte, float>(tensor.bytes)[(int)place] += 2;
                EvaluatedNetwork.Again(network, x, after: key);
                tensor.copy_(held);
            }
        }
    }

    [Fact]
    public void A_changed_momentum_changes_nothing_and_packs_nothing_anew()
    {
        using var network = EvaluatedNetwork.Create(s_spec, 22);
        using var noGrad = no_grad();
        var x = randn(2, 3, 16, 16);
        var before = EvaluatedNetwork.Check(network, x);
        foreach (var norm in network.modules().OfType<NormBase>()) norm.momentum = 0.7;
        Assert.Equal(before, EvaluatedNetwork.Again(network, x));
        foreach (var norm in network.modules().OfType<NormBase>()) norm.momentum = null;
        Assert.Equal(before, EvaluatedNetwork.Again(network, x));
    }

    [Fact]
    public void A_head_for_other_classes_is_run()
    {
        using var network = EvaluatedNetwork.Create(s_spec, 23);
        using var noGrad = no_grad();
        var x = randn(2, 3, 16, 16);
        EvaluatedNetwork.Check(network, x);
        var head = nn.Linear(network.Spec.HiddenFeatures, 7);
        typeof(MobileNet).GetField("linear4", BindingFlags.Instance | BindingFlags.NonPublic)!.SetValue(network, head);
        var logits = network.call(x);
        Assert.Equal([2, 7], logits.shape);
        network.SetXSepBackend(XSepBackend.Composed);
        Assert.True(logits.allclose(network.call(x), rtol: 1e-4, atol: 1e-4));
    }

    [Fact]
    public void A_layer_of_another_shape_or_kind_is_run()
    {
        using var network = EvaluatedNetwork.Create(s_spec, 24);
        using var noGrad = no_grad();
        var x = randn(2, 3, 16, 16);
        var conv = EvaluatedNetwork.Part<Conv2d>(network, "conv2");
        var changes = new (string Name, Action Change, Action Back)[]
        {
            ("a bias", () => conv.bias = new Parameter(ones(conv.weight.size(0))), () => conv.bias = null),
            ("a stride", () => conv.stride = [2, 2], () => conv.stride = [1, 1]),
            ("a dilation", () => conv.dilation = [2, 2], () => conv.dilation = [1, 1]),
        };
        foreach (var (name, change, back) in changes)
        {
            EvaluatedNetwork.Check(network, x);
            change();
            var actual = network.call(x);
            Assert.True(network.Evaluation.WhyNot(x) is not null, name);
            network.SetXSepBackend(XSepBackend.Composed);
            Assert.True(actual.allclose(network.call(x), rtol: 1e-4, atol: 1e-4), name);
            network.SetXSepBackend(XSepBackend.Auto);
            back();
        }

        EvaluatedNetwork.Check(network, x);
    }

    private static NormBase Norm(MobileNet network, string path) => EvaluatedNetwork.Part<NormBase>(network, path);

    private static void Step(MobileNet network, optim.Optimizer optimizer)
    {
        using var grad = enable_grad();
        using (optimizer)
        {
            network.call(randn(4, 3, 16, 16)).pow(2).sum().backward();
            optimizer.step();
        }
    }
}
