using TorchSharp;
using XSepConv.Core.Tests.Parity;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>A whole block as one fused operator.</summary>
public sealed class WholeBlockTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 60)];

    public static TheoryData<string> WidthNames => [.. Widths.Names];

    public static TheoryData<BlockKind, SqueezeExcite> Kinds => new()
    {
        { BlockKind.XSep, SqueezeExcite.None },
        { BlockKind.XSep, SqueezeExcite.Expanded },
        { BlockKind.Dw, SqueezeExcite.Expanded },
        { BlockKind.Dw, SqueezeExcite.Output },
        { BlockKind.Sep, SqueezeExcite.None },
        { BlockKind.Sep, SqueezeExcite.Expanded },
        { BlockKind.InvertedResidual, SqueezeExcite.None },
        { BlockKind.InvertedResidual, SqueezeExcite.Expanded },
        { BlockKind.XSepInvertedResidual, SqueezeExcite.None },
        { BlockKind.XSepInvertedResidual, SqueezeExcite.Expanded },
    };

    public static TheoryData<int, PaddingDirection, PaddingPlacement> Paddings()
    {
        var data = new TheoryData<int, PaddingDirection, PaddingPlacement>();
        foreach (var channels in new[] { 4, 6, 37, 64 })
        {
            foreach (var padding in Enum.GetValues<PaddingDirection>())
            {
                foreach (var placement in Enum.GetValues<PaddingPlacement>()) data.Add(channels, padding, placement);
            }
        }

        return data;
    }

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Training_agrees_with_the_composed_block_in_float64(int seed) =>
        BlockTwins.Compare(BlockCase.Draw(seed), seed, training: true, KernelRegistry.Current);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Frozen_norms_agree_with_the_composed_block_in_float64(int seed) =>
        BlockTwins.Compare(BlockCase.Draw(1000 + seed), seed, training: false, KernelRegistry.Current);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Norms_in_modes_of_their_own_agree_with_the_composed_block_in_float64(int seed) =>
        BlockTwins.Compare(BlockCase.Draw(3000 + seed), seed, training: null, KernelRegistry.Current);

    [Theory]
    [MemberData(nameof(Paddings))]
    public void Every_padding_agrees_with_the_composed_block_in_float64(int channels, PaddingDirection padding, PaddingPlacement placement)
    {
        foreach (var (stride, outputs) in new[] { (1, 6), (1, 9), (2, 6) })
        {
            using var scope = NewDisposeScope();
            var row = new BlockSpec(BlockKind.XSep, 5, 6, channels, outputs, Activation.HSwish, SqueezeExcite.None, stride);
            BlockTwins.Compare(new(row, padding, 3, 7, 6) { Placement = placement }, channels, training: true, KernelRegistry.Current);
        }
    }

    [Theory]
    [MemberData(nameof(WidthNames))]
    public void Every_width_agrees_with_the_composed_block_in_float64(string width)
    {
        for (var seed = 0; seed < 16; seed++)
        {
            using var scope = NewDisposeScope();
            BlockTwins.Compare(BlockCase.Draw(2000 + seed), seed, training: (seed % 3) switch { 0 => false, 1 => true, _ => null }, KernelRegistry.Choose(width));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_number_of_threads_changes_no_bit(BlockKind kind, SqueezeExcite squeeze) => ThreadCounts.ChangeNoBit(() =>
    {
        random.manual_seed(3);
        var block = new BlockCase(new(kind, 5, 11, 37, 11, Activation.HSwish, squeeze, 1), PaddingDirection.LeftTop, 9, 17, 13).Create(float32);
        var x = randn(9, 11, 17, 13).requires_grad_(true);
        var y = block.call(x);
        (y * randn_like(y)).sum().backward();
        List<Tensor> results = [y.detach(), x.grad!, .. block.parameters().Select(parameter => parameter.grad!.clone()), .. block.named_buffers().Select(entry => entry.buffer.clone())];

        // A norm that is collected takes its buffers along.
        GC.KeepAlive(block);
        return results;
    });

    /// <summary>Values that float32 hardly holds, and what is no number.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_block_is_finite_where_the_composed_layers_are(BlockKind kind, SqueezeExcite squeeze)
    {
        var shape = new BlockCase(new(kind, 3, 5, 12, 5, Activation.HSwish, squeeze, 1), PaddingDirection.LeftTop, 4, 6, 7);
        foreach (var training in new[] { true, false })
        {
            foreach (var value in new[] { 1e30f, -1e30f, 1e19f, 1e-30f, float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            {
                var (expected, actual) = (Run(XSepBackend.Composed), Run(XSepBackend.Auto));
                foreach (var (one, other) in expected.Zip(actual))
                {
                    var farther = one.isfinite().logical_and(other.isfinite().logical_not()).sum().item<long>();
                    Assert.True(farther == 0, $"{farther} values are finite composed and not fused: {value}, training {training}");
                }

                List<Tensor> Run(XSepBackend backend)
                {
                    random.manual_seed(3);
                    var block = shape.Create(float32);
                    block.SetXSepBackend(backend);
                    block.train(training);
                    var x = randn(4, 5, 6, 7);
                    x[1, 2, 3, 4] = value;
                    x.requires_grad_(true);
                    var y = block.call(x);
                    y.square().sum().backward();
                    List<Tensor> results = [y.detach(), x.grad!, .. block.named_buffers().Where(entry => entry.buffer.is_floating_point()).Select(entry => entry.buffer.clone())];

                    // A norm that is collected takes its buffers along.
                    GC.KeepAlive(block);
                    return results;
                }
            }
        }
    }

    /// <summary>There the layers run composed, in the order and with the statistics of the kernels.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_gradient_that_is_differentiated_again_agrees_with_the_composed_block_in_float64(BlockKind kind, SqueezeExcite squeeze)
    {
        foreach (var (training, placement) in new[] { (true, PaddingPlacement.AfterExpand), (false, PaddingPlacement.AfterExpand), (true, PaddingPlacement.BeforeExpand) })
        {
            // Sixteen fill oneDNN's blocks: on some processors libtorch 2.10 reads what lies behind fewer.
            foreach (var inputs in new[] { 16, 5 })
            {
                using var scope = NewDisposeScope();
                random.manual_seed(3);
                var shape = new BlockCase(new(kind, 3, inputs, 16, 5, Activation.SiLU, squeeze, 1), PaddingDirection.Symmetric, 16, 5, 4) { Placement = placement };
                using var block = shape.Create(float32);
                using var composed = shape.Create(float64);
                foreach (var norm in block.modules().Concat(composed.modules()).OfType<TorchSharp.Modules.BatchNorm2d>()) norm.eps = 0.1;
                StagePair.Copy(block, composed);
                composed.SetXSepBackend(XSepBackend.Composed);
                var x = randn(16, inputs, 5, 4);
                var (expected, actual) = (Twice(composed, x.to(float64)), Twice(block, x));
                var largest = expected.Max(Root);
                Assert.Equal(expected.Count, actual.Count);
                foreach (var (one, other) in expected.Zip(actual))
                {
                    // Rounding is all that some have: a shift before a batch norm in training has no effect.
                    var (scale, difference) = (Root(one), Root(one - other.to(float64)));
                    Assert.True(difference <= 1e-3 * Math.Max(scale, 1e-3 * largest), $"training {training}, {placement}, {inputs} channels: {difference:E2} of {scale:E2}, at most {largest:E2}");
                }

                static double Root(Tensor tensor) => tensor.square().mean().sqrt().item<double>();

                List<Tensor> Twice(nn.Module<Tensor, Tensor> module, Tensor map)
                {
                    module.train(training);
                    map = map.detach().requires_grad_(true);
                    var first = autograd.grad([module.call(map).pow(3).sum()], [map], retain_graph: true, create_graph: true)[0];
                    (first * first).sum().backward();
                    return [first.detach(), map.grad!, .. module.parameters().Where(parameter => parameter.grad is not null).Select(parameter => parameter.grad!)];
                }
            }
        }
    }

    [Fact]
    public void An_image_alone_trains_with_frozen_norms()
    {
        var (fused, composed) = (new XSepBlock(3, 4, 8, 4, PaddingDirection.LeftTop), new XSepBlock(3, 4, 8, 4, PaddingDirection.LeftTop, dtype: float64));
        StagePair.Copy(fused, composed);
        fused.eval();
        composed.eval();
        var x = randn(1, 4, 1, 1);
        var (y, y64) = (fused.call(x), composed.call(x.to(float64)));
        StagePair.Close("output", y64, y);
        y.sum().backward();
        y64.sum().backward();
        foreach (var (one, other) in composed.parameters().Zip(fused.parameters())) StagePair.Close("gradient", one.grad!, other.grad!);
    }

    [Fact]
    public void Parameters_that_need_no_gradient_get_none()
    {
        var block = new DwBlock(3, 4, 8, 4);
        foreach (var (name, parameter) in block.named_parameters()) parameter.requires_grad_(name.StartsWith("conv3", StringComparison.Ordinal));
        block.call(randn(3, 4, 5, 5)).sum().backward();
        Assert.All(block.named_parameters(), entry => Assert.Equal(entry.name == "conv3.weight", entry.parameter.grad is not null));
    }

    [Fact]
    public void A_block_that_is_called_twice_adds_its_gradients_up()
    {
        var block = new XSepBlock(3, 4, 8, 4, PaddingDirection.LeftTop, squeezeExcite: false);
        var composed = new XSepBlock(3, 4, 8, 4, PaddingDirection.LeftTop, squeezeExcite: false, dtype: float64);
        StagePair.Copy(block, composed);
        var x = randn(6, 4, 5, 5);
        block.call(block.call(x)).square().sum().backward();
        composed.call(composed.call(x.to(float64))).square().sum().backward();
        foreach (var (one, other) in composed.parameters().Zip(block.parameters())) StagePair.Close("gradient", one.grad!, other.grad!, floor: 1);
        Assert.Equal(2, block.named_buffers().First(entry => entry.name == "bn1.num_batches_tracked").buffer.item<long>());
    }

    [Fact]
    public void Training_leaves_no_tensor_and_no_memory_behind()
    {
        using var threads = new OneThread();
        using var block = new XSepBlock(5, 4, 16, 6, PaddingDirection.LeftTop);
        using var optimizer = optim.SGD(block.parameters(), 1e-3);
        using var x = randn(8, 4, 12, 12);
        for (var i = 0; i < 100; i++) Step();
        var memory = UnmanagedMemory.InUse();
        var tensors = Tensor.TotalCount;
        for (var i = 0; i < 500; i++) Step();
        Assert.InRange(Tensor.TotalCount, 0, tensors);

        // The expanded map has 74 kB: 37 MB in all steps.
        Assert.InRange(UnmanagedMemory.InUse() - memory, long.MinValue, 8L << 20);

        void Step()
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            block.call(x).square().mean().backward();
            optimizer.step();
        }
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(3, 2)]
    [InlineData(1, 1)]
    public void A_network_s_first_and_last_convolutions_agree_with_the_composed_ones_in_float64(int kernel, int stride)
    {
        for (var seed = 0; seed < 12; seed++)
        {
            using var scope = NewDisposeScope();
            random.manual_seed(seed);
            var draw = new Random(seed);
            var (inputs, outputs, activation, training) = (draw.Next(1, 12), draw.Next(1, 40), (Activation)draw.Next(4), draw.Next(3) != 0);
            var x = randn(draw.Next(2, 9), inputs, draw.Next(1, 40), draw.Next(1, 40));
            var (y, results) = Run(x, XSepBackend.Auto);
            var (y64, results64) = Run(x.to(float64), XSepBackend.Composed);
            StagePair.Close("output", y64, y);
            Assert.All(results64.Zip(results), pair => StagePair.Close("result", pair.First, pair.Second, floor: 1));

            // Without a gradient of the input all others are the same.
            Assert.All(results.Zip(Run(x, XSepBackend.Auto, ofInput: false).Item2), pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));

            (Tensor, List<Tensor>) Run(Tensor map, XSepBackend backend, bool ofInput = true)
            {
                random.manual_seed(100 + seed);
                var conv = nn.Conv2d(inputs, outputs, kernel, stride: stride, padding: kernel / 2, bias: false);
                var norm = nn.BatchNorm2d(outputs, eps: 0.05);
                nn.init.uniform_(norm.running_var!, 0.5, 1.5);
                conv.to(map.dtype);
                norm.to(map.dtype);
                norm.train(training);
                var stage = new ConvolutionStage(conv, norm, activation) { Backend = backend };
                Assert.Equal(backend == XSepBackend.Auto ? XSepBackend.Fused : XSepBackend.Composed, stage.Resolve(backend, map));
                map = map.clone().requires_grad_(ofInput);
                var result = stage.Forward(map);

                // A smooth loss, without weights: of those a value at a kink would take the other slope.
                result.square().mean().backward();
                List<Tensor> tensors = [conv.weight.grad!, norm.weight.grad!, norm.bias!.grad!, norm.running_mean!.clone(), norm.running_var!.clone()];
                if (ofInput) tensors.Add(map.grad!);
                GC.KeepAlive(norm);
                return (result, tensors);
            }
        }
    }
}
