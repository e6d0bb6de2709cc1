using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>A fused operator in autograd's graph is held to the composed layers: the same exceptions with libtorch's text, and the same gradients where there is none.</summary>
public sealed class FusedGraphTests : IDisposable
{
    private readonly OneThread _thread = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    /// <summary>Which of x and the parameters need a gradient.</summary>
    public enum Needs
    {
        Input,
        FirstWeight,
        LastShift,
        Parameters,
        Everything,
    }

    /// <summary>What is one operator.</summary>
    public enum FusedKind
    {
        XSep,
        Depthwise,
        XSepBlock,
        PaddedXSepBlock,
        SymmetricXSepBlock,
        DwBlock,
        SepBlock,
        InvertedResidualBlock,
        XSepInvertedResidualBlock,
        PaddedXSepInvertedResidualBlock,
        Convolution,
        Stem,
    }

    public void Dispose()
    {
        _scope.Dispose();
        _thread.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_map_of_inference_mode_is_refused_as_by_libtorch_and_counts_in_no_statistics(bool xsep)
    {
        Tensor x;
        using (inference_mode()) x = randn(4, 6, 8, 8);
        using nn.Module<Tensor, Tensor> module = xsep ? new XSepConv2d(6, 5) : new DwBlock(5, 6, 12, 6, squeezeExcite: SqueezeExcite.None);
        var before = module.state_dict().Values.Select(tensor => tensor.clone()).ToList();

        // libtorch's own words, of a layer of its own.
        var expected = Assert.Throws<ExternalException>(() => nn.Conv2d(6, 6, 1).call(x)).Message.Split('\n')[0];
        Assert.StartsWith(expected, Assert.Throws<ExternalException>(() => module.call(x)).Message, StringComparison.Ordinal);

        Assert.Equal(before.Select(tensor => (double)tensor.to(ScalarType.Float64).sum().item<double>()), module.state_dict().Values.Select(tensor => tensor.to(ScalarType.Float64).sum().item<double>()));
        using (inference_mode()) Assert.Equal(x.shape[2..], module.call(x).shape[2..]);
    }

    public static TheoryData<FusedKind, bool, Needs> Cases()
    {
        var cases = new TheoryData<FusedKind, bool, Needs>();
        foreach (var kind in Enum.GetValues<FusedKind>())
        {
            foreach (var training in new[] { true, false })
            {
                foreach (var needs in Enum.GetValues<Needs>()) cases.Add(kind, training, needs);
            }
        }

        return cases;
    }

    public static TheoryData<FusedKind> FusedKinds() => [.. Enum.GetValues<FusedKind>()];

    [Fact]
    public void There_is_one_frame_for_every_fused_operator()
    {
        var functions = typeof(XSepConv2d).Assembly.GetTypes().Where(type => !type.IsAbstract && BaseTypes(type).Any(one => one.Name.EndsWith("TensorFunction`1", StringComparison.Ordinal)));
        Assert.Equal(["FusedFunction", "FusedGradients"], functions.Select(type => type.Name).Order());

        static IEnumerable<Type> BaseTypes(Type type)
        {
            for (var one = type.BaseType; one is not null; one = one.BaseType) yield return one;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_tensor_changed_in_place_is_torchs_error(FusedKind kind, bool training, Needs needs)
    {
        var names = new Subject(kind, training, needs, XSepBackend.Fused).Names;
        foreach (var changed in names)
        {
            var composed = Run(XSepBackend.Composed);
            var fused = Run(XSepBackend.Fused);
            Assert.True(fused.Error is not null, $"{changed} was changed, and nothing thrown.");
            Assert.Contains("one of the variables needed for gradient computation has been modified by an inplace operation", fused.Error.Message, StringComparison.Ordinal);
            Assert.Contains($"[CPUFloatType [{string.Join(", ", fused.Subject[changed].shape)}]]", fused.Error.Message, StringComparison.Ordinal);

            // It may ask for more than the composed layers, which save what the gradients at hand need, but not for less, and not in another way.
            if (composed.Error is not null) Assert.Equal(composed.Error.GetType(), fused.Error.GetType());
            Assert.All(fused.Subject.Needing, tensor => Assert.True(tensor.grad is null));

            // The same module goes on.
            fused.Subject.Loss().backward();

            (Subject Subject, Exception? Error) Run(XSepBackend backend)
            {
                var subject = new Subject(kind, training, needs, backend);
                var loss = subject.Loss();
                using (no_grad()) subject[changed].add_(1);
                return (subject, Record.Exception(() => loss.backward()));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void An_optimiser_between_two_losses_is_torchs_error(FusedKind kind, bool training, Needs needs)
    {
        var errors = new List<Exception?>();
        foreach (var backend in new[] { XSepBackend.Composed, XSepBackend.Fused })
        {
            var subject = new Subject(kind, training, needs, backend);
            var (first, second) = (subject.Map().pow(2).mean(), subject.Map().pow(3).mean());
            first.backward();
            using (no_grad())
            {
                foreach (var tensor in subject.Needing) tensor.sub_(tensor.grad!);
            }

            foreach (var tensor in subject.Needing) tensor.grad!.zero_();
            errors.Add(Record.Exception(() => second.backward()));
        }

        var error = Assert.IsType<ExternalException>(errors[1]);
        Assert.Contains("modified by an inplace operation", error.Message, StringComparison.Ordinal);
        if (needs is Needs.Parameters or Needs.Everything && (kind != FusedKind.Depthwise || needs == Needs.Everything)) Assert.IsType<ExternalException>(errors[0]);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_second_backward_is_torchs_error_and_nothing_is_kept_for_it(FusedKind kind, bool training, Needs needs)
    {
        Assert.True(AutogradEngine.CanTell, "libtorch has lost the function that tells whether the graph is retained.");
        foreach (var backend in new[] { XSepBackend.Composed, XSepBackend.Fused })
        {
            // A sum keeps nothing that could be freed before ours.
            var subject = new Subject(kind, training, needs, backend);
            var loss = subject.Map().sum();
            loss.backward();
            var error = Assert.Throws<ExternalException>(() => loss.backward());
            Assert.Contains("Trying to backward through the graph a second time", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_retained_graph_gives_the_same_gradients_again_and_the_last_backward_frees_it(FusedKind kind, bool training, Needs needs)
    {
        var subject = new Subject(kind, training, needs, XSepBackend.Fused);
        var loss = subject.Map().sum();
        loss.backward(retain_graph: true);
        var once = subject.Gradients();
        loss.backward();
        Assert.All(once.Zip(subject.Gradients()), pair => Assert.True(pair.Second.equal(pair.First * 2).all().item<bool>()));
        Assert.Contains("a second time", Assert.Throws<ExternalException>(() => loss.backward()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_are_those_of_the_composed_layers_however_the_graph_is_used(FusedKind kind, bool training, Needs needs)
    {
        foreach (var use in new Action<Subject>[]
        {
            subject => subject.Loss().backward(),

            // Two forwards before a backward, a module used twice in a graph, gradients that add up, an output that is not used.
            subject =>
            {
                var (first, second) = (subject.Loss(), subject.Map().square().mean());
                second.backward();
                first.backward();
            },
            subject => (subject.Map().sum() + subject.Map().square().mean()).backward(),
            subject =>
            {
                subject.Loss().backward();
                subject.Loss().backward();
            },
            subject =>
            {
                subject.Map();
                subject.Loss().backward();
            },
            subject => subject.Map().relu_().square().mean().backward(),
            subject =>
            {
                var y = subject.Map();
                y.add_(1);
                y.square().mean().backward();
            },
        })
        {
            var (fused, composed) = (new Subject(kind, training, needs, XSepBackend.Fused), new Subject(kind, training, needs, XSepBackend.Composed));
            use(fused);
            use(composed);
            Assert.Equal(composed.Needing.Count, fused.Needing.Count);
            foreach (var (name, expected, actual) in composed.Names.Zip(composed.Needing, fused.Needing))
            {
                // Sums of a hundred terms of about 1 in float32, in another order: some hundred roundings of 6e-8.
                var difference = (expected.grad! - actual.grad!).abs().max().item<float>();
                Assert.True(difference <= 2e-4 * Math.Max(1, expected.grad!.abs().max().item<float>()), $"{name} differs by {difference:E2}.");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_of_some_tensors_alone_end_with_the_same_errors(FusedKind kind, bool training, Needs needs)
    {
        var subject = new Subject(kind, training, needs, XSepBackend.Fused);
        var loss = subject.Map().sum();
        loss.backward(inputs: [subject.Needing[^1]]);
        Assert.All(subject.Needing.SkipLast(1), tensor => Assert.True(tensor.grad is null));
        Assert.Contains("a second time", Assert.Throws<ExternalException>(() => loss.backward(inputs: [subject.Needing[0]])).Message, StringComparison.Ordinal);

        loss = subject.Loss();
        using (no_grad()) subject["x"].add_(1);
        var error = Assert.Throws<ExternalException>(() => loss.backward(inputs: [subject.Needing[0]]));
        Assert.Contains("modified by an inplace operation", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Without_gradients_there_is_no_graph(FusedKind kind, bool training, Needs needs)
    {
        var subject = new Subject(kind, training, needs, XSepBackend.Fused);
        using (no_grad()) Assert.False(subject.Map().requires_grad);
        Assert.True(subject.Map().requires_grad);
        foreach (var tensor in subject.Needing) tensor.requires_grad_(false);
        Assert.False(subject.Map().requires_grad);
    }

    [Theory]
    [MemberData(nameof(FusedKinds))]
    public void A_map_that_the_result_is_added_to_in_place_is_torchs_error(FusedKind kind)
    {
        foreach (var backend in new[] { XSepBackend.Composed, XSepBackend.Fused })
        {
            var subject = new Subject(kind, training: true, Needs.Everything, backend);
            var h = subject["x"] * 1;
            h.add_(subject.Map(h));

            // Composed, an XSepConv keeps a padded copy of the map.
            if (kind is FusedKind.XSep or FusedKind.PaddedXSepBlock or FusedKind.PaddedXSepInvertedResidualBlock && backend == XSepBackend.Composed) continue;
            var error = Assert.Throws<ExternalException>(() => h.sum().backward());
            Assert.Contains($"modified by an inplace operation: [CPUFloatType [{string.Join(", ", h.shape)}]]", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(FusedKinds))]
    public void A_loss_that_is_kept_after_backward_keeps_no_map(FusedKind kind)
    {
        const int Maps = 4;
        const long Bytes = 4L << 20;
        Assert.SkipUnless(UnmanagedMemory.IsExact, "The C library does not say what it has handed out.");
        Run(retain: false, maps: 1);
        Assert.InRange(Run(retain: false, Maps), long.MinValue, Bytes);
        Assert.InRange(Run(retain: true, Maps), Maps * Bytes, long.MaxValue);

        long Run(bool retain, int maps)
        {
            var subject = new Subject(kind, training: true, Needs.Parameters, XSepBackend.Fused);
            using var losses = NewDisposeScope();
            var before = UnmanagedMemory.InUse();
            for (var i = 0; i < maps; i++)
            {
                using var scope = NewDisposeScope();
                var channels = subject["x"].size(1);
                var loss = subject.Map(rand(2, channels, Bytes / sizeof(float) / (2 * channels * 1024), 1024)).square().mean();
                loss.backward(retain_graph: retain);
                loss.MoveToOuterDisposeScope();
            }

            return UnmanagedMemory.InUse() - before;
        }
    }

    /// <summary>A block in front of it may have been replaced by one that gives another map.</summary>
    [Fact]
    public void A_map_of_other_channels_is_TorchSharps_error()
    {
        using var network = new MobileNet(MobileNetV3SmallSpec.XSep(new() { NumClasses = 2, Preset = ImagePreset.Cifar, Width = 0.25 }));
        foreach (var stage in ((IFusableEnds)network).Ends.Cast<ConvolutionStage>())
        {
            Assert.Throws<ArgumentException>(() => stage.Forward(rand(2, 2, 64, 64)));
            Assert.Throws<ArgumentException>(() => stage.Forward(rand(2, 64, 64)));
        }
    }

    [Fact]
    public void Default_type_and_device_change_nothing()
    {
        var subject = new Subject(FusedKind.XSep, training: true, Needs.Everything, XSepBackend.Fused);
        subject.Loss().backward();
        var expected = subject.Gradients();
        foreach (var tensor in subject.Needing) tensor.grad!.zero_();
        set_default_dtype(ScalarType.Float64);
        try
        {
            subject.Loss().backward();
        }
        finally
        {
            set_default_dtype(ScalarType.Float32);
        }

        Assert.All(expected.Zip(subject.Gradients()), pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));
    }

    /// <summary>A stage and what it is applied to.</summary>
    private sealed class Subject
    {
        private readonly Func<Tensor, Tensor> _stage;
        private readonly Dictionary<string, Tensor> _tensors;

        public Subject(FusedKind kind, bool training, Needs needs, XSepBackend backend)
        {
            random.manual_seed(5);
            (_stage, var layers) = Create(kind, backend);
            _tensors = new() { ["x"] = rand(2, kind == FusedKind.Stem ? 16 : 3, 5, 4) };
            using var noGrad = no_grad();
            foreach (var ((conv, norm), i) in layers.Select((layer, i) => (layer, i)))
            {
                if (norm is null)
                {
                    (_tensors[$"weight {i}"], _tensors[$"bias {i}"]) = (conv.weight, conv.bias!);
                    continue;
                }

                norm.train(training);
                norm.running_mean!.uniform_(-0.5, 0.5);
                norm.running_var!.uniform_(0.5, 1.5);
                norm.bias!.uniform_(-0.5, 0.5);
                (_tensors[$"weight {i}"], _tensors[$"scale {i}"], _tensors[$"shift {i}"]) = (conv.weight, norm.weight, norm.bias!);
            }

            var wanted = needs switch
            {
                Needs.Input => ["x"],
                Needs.FirstWeight => ["weight 0"],
                Needs.LastShift => [_tensors.Keys.Last()],
                Needs.Parameters => _tensors.Keys.Skip(1),
                _ => (IEnumerable<string>)_tensors.Keys,
            };
            foreach (var (name, tensor) in _tensors) tensor.requires_grad_(wanted.Contains(name));
            Names = [.. _tensors.Keys];
            Needing = [.. wanted.Select(name => _tensors[name])];
        }

        private static (Func<Tensor, Tensor>, IReadOnlyList<(Conv2d Conv, BatchNorm2d? Norm)>) Create(FusedKind kind, XSepBackend backend)
        {
            if (kind is FusedKind.XSep or FusedKind.Depthwise)
            {
                var stage = new StageCase(2, 3, 5, 4, 5, 1, Activation.HSwish, kind == FusedKind.XSep ? PaddingDirection.LeftTop : null) { Activated = true };
                var layers = stage.Layers(float32);
                return (stage.Stage(layers, backend), [.. layers.Select(layer => (layer.Conv, (BatchNorm2d?)layer.Norm))]);
            }

            if (kind is FusedKind.Convolution or FusedKind.Stem)
            {
                // Sixteen fill oneDNN's blocks: on some processors libtorch 2.10's gradient reads what lies behind fewer.
                var (kernel, channels) = kind == FusedKind.Stem ? (3, 16) : (1, 3);
                var (conv, norm) = (nn.Conv2d(channels, channels, kernel, padding: kernel / 2, bias: false), nn.BatchNorm2d(channels));
                return (new ConvolutionStage(conv, norm, Activation.HSwish) { Backend = backend }.Forward, [(conv, norm)]);
            }

            nn.Module<Tensor, Tensor> block = kind switch
            {
                FusedKind.XSepBlock => new XSepBlock(5, 3, 6, 3, PaddingDirection.LeftTop, squeezeExcite: false),
                FusedKind.PaddedXSepBlock => new XSepBlock(5, 3, 6, 3, PaddingDirection.Symmetric, squeezeExcite: false, placement: PaddingPlacement.BeforeExpand),
                FusedKind.SymmetricXSepBlock => new XSepBlock(5, 3, 6, 3, PaddingDirection.Symmetric, squeezeExcite: false),
                FusedKind.SepBlock => new SepBlock(new(BlockKind.Sep, 5, 3, 6, 3, Activation.HSwish, SqueezeExcite.None, 1)),

                // Without an expansion, and with squeeze-excite that has biases.
                FusedKind.InvertedResidualBlock => new InvertedResidualBlock(new(BlockKind.InvertedResidual, 5, 3, 3, 3, Activation.HSwish, SqueezeExcite.Expanded, 1) { SqueezeChannels = 2 }),

                // With an expansion; and, with the border before it, without one, where squeeze-excite has biases.
                FusedKind.XSepInvertedResidualBlock => new XSepInvertedResidualBlock(new(BlockKind.XSepInvertedResidual, 5, 3, 6, 3, Activation.HSwish, SqueezeExcite.None, 1), PaddingDirection.Symmetric),
                FusedKind.PaddedXSepInvertedResidualBlock => new XSepInvertedResidualBlock(new(BlockKind.XSepInvertedResidual, 5, 3, 3, 3, Activation.HSwish, SqueezeExcite.Expanded, 1) { SqueezeChannels = 2 }, PaddingDirection.LeftTop, PaddingPlacement.BeforeExpand),
                _ => new DwBlock(5, 3, 6, 3, squeezeExcite: SqueezeExcite.None),
            };
            block.SetXSepBackend(backend);
            var (parts, squeeze) = (block.children().ToList(), block.modules().OfType<SeModule>().SelectMany(se => se.modules().OfType<Conv2d>()));
            var pairs = parts.OfType<Conv2d>().Zip(parts.OfType<BatchNorm2d>(), (conv, norm) => (conv, (BatchNorm2d?)norm));
            return (block.call, [.. pairs.SkipLast(1), .. squeeze.Distinct().Select(conv => (conv, (BatchNorm2d?)null)), pairs.Last()]);
        }

        public IReadOnlyList<string> Names { get; }

        public IReadOnlyList<Tensor> Needing { get; }

        public Tensor this[string name] => _tensors[name];

        public Tensor Map() => Map(_tensors["x"]);

        public Tensor Map(Tensor x) => _stage(x);

        public Tensor Loss() => Map().pow(3).mean();

        public IReadOnlyList<Tensor> Gradients() => [.. Needing.Select(tensor => tensor.grad!.clone())];
    }
}
