using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.BadInput;

/// <summary>What modules can't be applied to. Every module takes maps of 8 channels in these tests.</summary>
public sealed class ForwardTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    public static TheoryData<string> Modules() => ["XSepBlock", "XSepBlock before", "XSepBlock plain", "DwBlock", "DwBlock plain", "SepBlock", "SeModule", "XSepConv2d", "MobileNet"];

    internal static nn.Module<Tensor, Tensor> Create(string module) => module switch
    {
        "XSepBlock" => new XSepBlock(3, 8, 16, 12, PaddingDirection.Symmetric),
        "XSepBlock before" => new XSepBlock(3, 8, 16, 8, PaddingDirection.Symmetric, placement: PaddingPlacement.BeforeExpand),
        "XSepBlock plain" => new XSepBlock(3, 8, 16, 8, PaddingDirection.LeftTop, squeezeExcite: false, stride: 2),
        "DwBlock" => new DwBlock(5, 8, 16, 8),
        "DwBlock plain" => new DwBlock(5, 8, 16, 8, squeezeExcite: SqueezeExcite.None, stride: 2),
        "SepBlock" => new SepBlock(new BlockSpec(BlockKind.Sep, 3, 8, 16, 12, Activation.HSwish, SqueezeExcite.Expanded, 1)),
        "SeModule" => new SeModule(8),
        "XSepConv2d" => new XSepConv2d(8, 5, stride: 2),
        _ => new XSepMobileNetV3Small(new MobileNetV3Options { InputChannels = 8, Width = 0.1, NumClasses = 3 }),
    };

    [Theory]
    [MemberData(nameof(Modules))]
    public void A_wrong_rank_number_of_channels_dtype_or_device_is_named(string name)
    {
        var module = Create(name);
        module.eval();
        Refused(module, zeros(8, 6, 6), "[8, 6, 6]", "[N, C, H, W]", "8");
        Refused(module, zeros([2, 8, 6, 6, 1]), "[2, 8, 6, 6, 1]", "[N, C, H, W]");
        Refused(module, zeros([]), "[]", "[N, C, H, W]");
        Refused(module, zeros(2, 7, 6, 6), "7 channels", "takes 8");
        Refused(module, zeros(2, 6, 6, 8), "6 channels", "takes 8");
        Refused(module, zeros(2, 8, 6, 6, dtype: float64), "Float64", "Float32");
        Refused(module, zeros(2, 8, 6, 6, dtype: int64), "Int64", "Float32");
        Refused(module, zeros(2, 8, 6, 6, device: META), "meta", "cpu");
        Assert.Throws<ArgumentNullException>(() => module.call(null!));
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void A_map_without_a_pixel_is_refused_and_one_pixel_is_enough(string name)
    {
        var module = Create(name);
        module.eval();
        Refused(module, zeros(2, 8, 0, 6), "[2, 8, 0, 6]", "1×1");
        Refused(module, zeros(2, 8, 6, 0), "[2, 8, 6, 0]", "1×1");

        // Down-sampling rounds up, so nothing is left of nothing but never of a pixel.
        var y = module.call(ones(1, 8, 1, 1));
        Assert.All(y.shape, size => Assert.True(size >= 1));
        Assert.True(y.isfinite().all().item<bool>());
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void Training_on_one_value_per_channel_is_refused(string name)
    {
        var module = Create(name);
        module.train();
        Refused(module, zeros(1, 8, 1, 1), "in training mode", "eval()");
        Refused(module, zeros(1, 8, 1, 1), "batch of at least 2");
        Assert.True(module.call(randn(2, 8, 1, 1)).isfinite().all().item<bool>());
    }

    /// <summary>Every module with every backend.</summary>
    public static TheoryData<string, XSepBackend> Backends()
    {
        var data = new TheoryData<string, XSepBackend>();
        foreach (var module in Modules())
        {
            foreach (var backend in Enum.GetValues<XSepBackend>()) data.Add(module, backend);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Of_no_images_comes_an_empty_map_in_both_modes_and_statistics_stay(string name, XSepBackend backend)
    {
        var module = Create(name);
        module.SetXSepBackend(backend);
        module.eval();
        long[] shape = [0, .. module.call(zeros(2, 8, 6, 6)).shape[1..]];
        Assert.Equal(shape, module.call(zeros(0, 8, 6, 6)).shape);

        // As torch's batch norm, which counts such a batch and takes nothing from it.
        module.train();
        var statistics = module.named_buffers().Where(entry => !entry.name.EndsWith("tracked", StringComparison.Ordinal)).Select(entry => (entry.buffer, entry.buffer.clone())).ToList();
        var x = zeros(0, 8, 6, 6).requires_grad_(true);
        var y = module.call(x);
        Assert.Equal(shape, y.shape);
        Assert.All(statistics, pair => Assert.True(pair.buffer.equal(pair.Item2).all().item<bool>()));
        y.sum().backward();
        Assert.Equal([0L, 8, 6, 6], x.grad!.shape);
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void With_frozen_batch_norms_one_value_per_channel_is_enough_in_training_mode(string name, XSepBackend backend)
    {
        var module = Create(name);
        module.SetXSepBackend(backend);
        module.eval();
        var x = randn(1, 8, 1, 1);
        var expected = module.call(x);
        module.train();
        foreach (var norm in module.modules().OfType<NormBase>()) norm.eval();
        Assert.True(module.call(x).allclose(expected));
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void One_image_is_refused_where_libtorch_refuses_it_and_nowhere_else(string name)
    {
        foreach (var side in new[] { 1, 2, 3, 6 })
        {
            var paths = Create(name).named_modules().Where(entry => entry.module is NormBase).Select(entry => entry.name).ToList();
            foreach (var path in paths)
            {
                var module = Create(name);
                module.SetXSepBackend(XSepBackend.Composed);
                module.train();
                foreach (var (other, norm) in module.named_modules().Where(entry => entry.module is NormBase)) norm.train(other == path);
                var (x, one) = (randn(1, 8, side, side), false);

                // libtorch's own rule, where the batch norm runs.
                var probe = (nn.Module<Tensor, Tensor>)module.named_modules().First(entry => entry.name == path).module;
                probe.eval();
                var hook = probe.register_forward_pre_hook((_, map) =>
                {
                    one = map.numel() == map.shape[1];
                    return map;
                });
                module.call(x);
                hook.remove();
                probe.train();
                if (one) Refused(module, x, $"'{path}'", "in training mode", "one value per channel", "batch of at least 2", "eval()");
                else module.call(x);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void A_refusal_changes_no_statistics_and_leaves_no_tensor(string name)
    {
        var module = Create(name);
        module.train();
        var statistics = module.named_buffers().Select(entry => entry.buffer.clone()).ToList();
        Tensor[] inputs = [zeros(2, 7, 6, 6), zeros(1, 8, 1, 1), zeros(2, 8, 0, 6), zeros(2, 8, 6, 6, dtype: float64)];
        Finalisers.Run();
        var before = Tensor.TotalCount;
        foreach (var input in inputs) Assert.Throws<ArgumentException>(() => module.call(input));
        Assert.Equal(before, Tensor.TotalCount);
        Assert.All(module.named_buffers().Zip(statistics), pair => Assert.True(pair.First.buffer.equal(pair.Second).all().item<bool>()));
    }

    [Fact]
    public void Squeeze_excite_whose_pool_was_set_to_another_size_is_held_to_what_its_batch_norms_see()
    {
        var module = new SeModule(8);
        module.train();
        module.modules().OfType<AdaptiveAvgPool2d>().Single().output_size = [2, 2];
        Assert.True(module.call(randn(1, 8, 2, 2)).isfinite().all().item<bool>());
        module.modules().OfType<AdaptiveAvgPool2d>().Single().output_size = [1, 1];
        Refused(module, randn(1, 8, 2, 2), "'se.2'", "in training mode");
    }

    [Fact]
    public void Padding_takes_maps_and_known_directions()
    {
        Assert.Contains("[8, 6, 6]", Assert.Throws<ArgumentException>(() => DirectionalPadding.Pad(zeros(8, 6, 6), PaddingDirection.LeftTop)).Message);
        Assert.Contains("no channels", Assert.Throws<ArgumentException>(() => DirectionalPadding.Pad(zeros(1, 0, 6, 6), PaddingDirection.Symmetric)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => DirectionalPadding.Pad(zeros(1, 8, 6, 6), (PaddingDirection)7));
        Assert.Throws<ArgumentNullException>(() => DirectionalPadding.Pad(null!, PaddingDirection.LeftTop));
    }

    private static void Refused(nn.Module<Tensor, Tensor> module, Tensor x, params string[] mentioned)
    {
        var e = Assert.Throws<ArgumentException>(() => module.call(x));
        Assert.Equal("x", e.ParamName);
        Assert.All(mentioned, part => Assert.Contains(part, e.Message, StringComparison.OrdinalIgnoreCase));
    }
}
