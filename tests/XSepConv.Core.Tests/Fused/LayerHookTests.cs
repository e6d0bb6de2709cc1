using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>A layer that the fused operator stands in for is as good as its hooks and settings: they count, or the layers run one by one.</summary>
public sealed class LayerHookTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    public static TheoryData<string> Modules() => ["XSepConv2d", "XSepBlock", "DwBlock", "SepBlock", "InvertedResidualBlock", "XSepInvertedResidualBlock"];

    private static nn.Module<Tensor, Tensor> Create(string module) => module switch
    {
        "XSepConv2d" => new XSepConv2d(4, 5),
        "XSepBlock" => new XSepBlock(5, 4, 8, 4, PaddingDirection.LeftTop),
        "SepBlock" => new SepBlock(new(BlockKind.Sep, 5, 4, 8, 4, Activation.HSwish, SqueezeExcite.Expanded, 1)),
        "XSepInvertedResidualBlock" => new XSepInvertedResidualBlock(new(BlockKind.XSepInvertedResidual, 5, 4, 8, 4, Activation.HSwish, SqueezeExcite.Expanded, 1), PaddingDirection.LeftTop),
        "InvertedResidualBlock" => new InvertedResidualBlock(new(BlockKind.InvertedResidual, 5, 4, 8, 4, Activation.HSwish, SqueezeExcite.Expanded, 1)),
        _ => new DwBlock(5, 4, 8, 4),
    };

    [Fact]
    public void This_TorchSharp_says_whether_a_layer_has_hooks() => Assert.True(LayerHooks.CanTell);

    [Theory]
    [MemberData(nameof(Modules))]
    public void Every_hook_of_every_layer_runs_under_Auto_and_no_longer_once_it_is_removed(string name)
    {
        var module = Create(name);
        var x = randn(2, 4, 6, 5);
        module.call(x);
        foreach (var (path, layer) in Layers(module))
        {
            foreach (var register in new Func<Action, Action>[]
            {
                run => layer.register_forward_hook(_ => run()).remove,
                run => layer.register_forward_pre_hook(_ => run()).remove,
                run => layer.register_forward_hook((_, _, y) => { run(); return y; }).remove,
                run => layer.register_forward_pre_hook((_, input) => { run(); return input; }).remove,
            })
            {
                var runs = 0;
                var remove = register(() => runs++);
                module.call(x);
                Assert.Equal((path, 1), (path, runs));
                remove();
                module.call(x);
                Assert.Equal((path, 1), (path, runs));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void What_a_hook_gives_back_counts(string name)
    {
        var module = Create(name);
        module.eval();
        var x = randn(2, 4, 6, 5);
        var fusable = ((IFusable)module).Stage.Layers;
        foreach (var (path, layer) in Layers(module).Where(entry => fusable.Contains(entry.Layer)))
        {
            var plain = module.call(x);
            var hook = layer.register_forward_pre_hook((_, input) => input * 2);
            module.SetXSepBackend(XSepBackend.Composed);
            var expected = module.call(x);
            module.SetXSepBackend(XSepBackend.Auto);
            Assert.True(expected.equal(module.call(x)).all().item<bool>(), path);
            Assert.False(expected.allclose(plain), path);
            hook.remove();
            Assert.True(plain.equal(module.call(x)).all().item<bool>(), path);
        }
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void Fused_refuses_hooks_and_names_the_layers(string name)
    {
        var module = Create(name);
        module.SetXSepBackend(XSepBackend.Fused);
        var x = randn(2, 4, 6, 5);
        module.call(x);
        var (conv, norm) = name switch
        {
            "XSepConv2d" => ("conv1", "bn3"),
            "XSepBlock" or "XSepInvertedResidualBlock" => ("conv2", "bn4"),
            "SepBlock" => ("conv2", "bn3"),
            _ => ("conv2", "bn2"),
        };
        var layers = Layers(module).ToDictionary(entry => entry.Path, entry => entry.Layer);
        var first = layers[conv].register_forward_hook(_ => { });
        var second = layers[norm].register_forward_pre_hook(_ => { });
        var error = Assert.Throws<InvalidOperationException>(() => module.call(x));
        Assert.Contains($"Fused, but {conv}, {norm} would not run one by one, and has hooks", error.Message, StringComparison.Ordinal);
        first.remove();
        second.remove();
        module.call(x);
    }

    /// <summary>In training and evaluation, also where the hook removes itself.</summary>
    [Theory]
    [MemberData(nameof(Modules))]
    public void What_a_hook_gets_lives_as_long_as_the_caller_s_scope(string name)
    {
        var module = Create(name);
        foreach (var training in new[] { true, false })
        {
            module.train(training);
            foreach (var (path, layer) in Layers(module)) RequireKept(module, layer, path, randn(2, 4, 6, 5));
        }
    }

    [Fact]
    public void What_a_hook_in_a_network_gets_lives_as_long_as_the_caller_s_scope()
    {
        var network = new XSepMobileNetV3Small(new MobileNetV3Options { Width = 0.25, NumClasses = 3, Preset = ImagePreset.Cifar });
        var x = randn(2, 3, 32, 32);
        foreach (var training in new[] { true, false })
        {
            network.train(training);
            foreach (var (path, layer) in Layers(network)) RequireKept(network, layer, path, x);
        }

        // The other ways through it.
        var kept = new List<Tensor>();
        var hook = Layers(network).Single(entry => entry.Path == "bneck.3").Layer.register_forward_hook((_, _, y) =>
        {
            kept.Add(y);
            return y;
        });
        using (NewDisposeScope())
        {
            network.Features(x);
            network.ForwardFeatures(x);
            Assert.Equal([false, false], kept.Select(tensor => tensor.IsInvalid));
        }

        Assert.Equal([true, true], kept.Select(tensor => tensor.IsInvalid));
        hook.remove();
    }

    // Without an outer scope the test's own is the caller's.
    private static void RequireKept(nn.Module<Tensor, Tensor> module, nn.Module<Tensor, Tensor> layer, string path, Tensor x)
    {
        List<Tensor> kept = [];
        Action remove = () => { };
        remove = layer.register_forward_hook((_, input, y) =>
        {
            kept.AddRange([input, y]);
            remove();
            return y;
        }).remove;
        using (NewDisposeScope())
        {
            module.call(x);
            Assert.True(kept.All(tensor => !tensor.IsInvalid), path);
        }

        // The input may be the caller's own.
        Assert.True(kept.All(tensor => tensor.IsInvalid || ReferenceEquals(tensor, x)), path);
        remove();
    }

    [Fact]
    public void Every_layer_of_a_network_runs_its_hooks()
    {
        var network = new XSepMobileNetV3Small(new MobileNetV3Options { Width = 0.25, NumClasses = 3, Preset = ImagePreset.Cifar });
        var runs = new Dictionary<string, int>();
        foreach (var (path, layer) in Layers(network)) layer.register_forward_hook(_ => runs[path] = runs.GetValueOrDefault(path) + 1);
        network.call(randn(2, 3, 32, 32));

        // A shortcut without layers, where the input itself is added or nothing is, runs where there is one to run.
        var missing = Layers(network).Select(entry => entry.Path).Where(path => runs.GetValueOrDefault(path) != 1 && !path.EndsWith("shortcut", StringComparison.Ordinal));
        Assert.Empty(missing);
    }

    [Fact]
    public void A_profile_says_composed_where_layers_have_hooks()
    {
        var module = new XSepConv2d(4, 5);
        for (var i = 0; i < 2; i++) Assert.All(ModelProfile.Of(module, 1, 4, 6, 6).Layers, layer => Assert.Equal(XSepBackend.Fused, layer.Backend));
        Layers(module)[0].Layer.register_forward_hook(_ => { });
        Assert.All(ModelProfile.Of(module, 1, 4, 6, 6).Layers, layer => Assert.Equal(XSepBackend.Composed, layer.Backend));
    }

    public static TheoryData<string, string> Changes()
    {
        var data = new TheoryData<string, string>();
        foreach (var module in Modules().Select(row => row.Data))
        {
            foreach (var change in new[] { "stride", "padding", "dilation", "padding mode", "bias", "kernel", "turned" }) data.Add(module, change);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_convolution_that_was_changed_runs_as_it_is_or_is_refused(string name, string change)
    {
        foreach (var conv in Create(name) is var one ? ((IFusable)one).Stage.Layers.OfType<Conv2d>().Select((_, i) => i) : [])
        {
            var module = Create(name);
            module.eval();
            var layer = ((IFusable)module).Stage.Layers.OfType<Conv2d>().ElementAt(conv);
            Change(layer);
            var x = randn(2, 4, 9, 9);
            module.SetXSepBackend(XSepBackend.Composed);
            var (expected, error) = Try();
            module.SetXSepBackend(XSepBackend.Auto);
            var (actual, same) = Try();
            Assert.Equal(error?.GetType(), same?.GetType());
            if (expected is not null) Assert.True(expected.shape.SequenceEqual(actual!.shape) && expected.equal(actual).all().item<bool>(), $"{change} of convolution {conv}");
            module.SetXSepBackend(XSepBackend.Fused);

            // A K×K convolution of stride 2 is one, if not the one that the block was built with.
            if (name is "DwBlock" or "InvertedResidualBlock" && change == "stride") continue;
            Assert.Contains(name == "SepBlock" ? "Fused, but 1×K and K×1 are fused in a whole block only" : "Fused, but a convolution ", Assert.Throws<InvalidOperationException>(() => module.call(x)).Message, StringComparison.Ordinal);

            (Tensor? Output, Exception? Error) Try()
            {
                Tensor? output = null;
                var thrown = Record.Exception(() => output = module.call(x));
                return (output, thrown);
            }
        }

        void Change(Conv2d layer)
        {
            switch (change)
            {
                case "stride":
                    layer.stride = [2, 2];
                    break;
                case "padding":
                    layer.SetPadding([1, 3]);
                    break;
                case "dilation":
                    layer.dilation = [2, 2];
                    break;
                case "padding mode":
                    layer.SetPadding(Padding.Same);
                    break;
                case "bias":
                    layer.bias = new Parameter(ones(layer.weight.size(0)));
                    break;
                case "turned":
                    layer.weight = new Parameter(randn_like(layer.weight.transpose(0, 1)).contiguous());
                    break;
                default:
                    layer.weight = new Parameter(randn(layer.weight.size(0), 1, 4, 4));
                    break;
            }
        }
    }

    /// <summary>As Keras stores it: of as many values.</summary>
    [Theory]
    [InlineData("XSepBlock")]
    [InlineData("DwBlock")]
    [InlineData("SepBlock")]
    [InlineData("InvertedResidualBlock")]
    [InlineData("XSepInvertedResidualBlock")]
    public void A_weight_of_inputs_by_outputs_is_torch_s_own_error(string name)
    {
        var x = randn(2, 4, 9, 9);
        for (var i = 0; i < Create(name).modules().OfType<Conv2d>().Count(); i++)
        {
            foreach (var training in new[] { true, false })
            {
                var module = Create(name);
                module.train(training);
                var conv = module.modules().OfType<Conv2d>().ElementAt(i);
                if (conv.weight.size(0) == conv.weight.size(1)) continue;
                conv.weight = new Parameter(conv.weight.detach().transpose(0, 1).contiguous());
                foreach (var backend in new[] { XSepBackend.Composed, XSepBackend.Auto })
                {
                    module.SetXSepBackend(backend);
                    var thrown = Record.Exception(() => module.call(x));
                    Assert.True(thrown is not null, $"convolution {i}, training {training}, {backend}");
                }
            }
        }
    }

    [Theory]
    [InlineData("XSepBlock")]
    [InlineData("SepBlock")]
    [InlineData("InvertedResidualBlock")]
    [InlineData("XSepInvertedResidualBlock")]
    public void Squeeze_excite_that_takes_no_mean_runs_as_it_is(string name)
    {
        var module = Create(name);
        module.modules().OfType<AdaptiveAvgPool2d>().Single().output_size = [2, 2];
        var x = randn(2, 4, 2, 2);
        var actual = module.call(x);
        module.SetXSepBackend(XSepBackend.Composed);
        Assert.True(actual.allclose(module.call(x), rtol: 1e-4, atol: 1e-5));
    }

    private static List<(string Path, nn.Module<Tensor, Tensor> Layer)> Layers(nn.Module module) =>
        [.. module.named_modules().Where(entry => entry.module is nn.Module<Tensor, Tensor>).Select(entry => (entry.name, (nn.Module<Tensor, Tensor>)entry.module))];
}
