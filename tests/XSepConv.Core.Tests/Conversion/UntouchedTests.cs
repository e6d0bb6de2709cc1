using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

/// <summary>A conversion changes what it replaces, and nothing else: not when it is made, not when it is looked at beforehand, not when it fails.</summary>
public class UntouchedTests
{
    private static readonly long[] Input = [2, 3, 32, 32];

    public static TheoryData<string, string> Networks()
    {
        var data = new TheoryData<string, string>();
        foreach (var network in new[] { "mobilenet", "convnext", "sequential", "counting" })
        {
            foreach (var mode in new[] { "train", "eval", "frozen norms", "mixed", "double" }) data.Add(network, mode);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void A_preview_changes_nothing(string name, string mode)
    {
        using var network = Make(name, mode);
        var before = new Snapshot(network);
        Assert.NotEmpty(XSepConverter.Preview(network, Input).Replaced);
        RequireSame(before, network);

        // Nor does a profile, which runs it too, but for a layer with weights of its own, which it can't count.
        if (name == "convnext") return;
        ModelProfile.Of(network, Input);
        RequireSame(before, network);
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void A_conversion_that_fails_changes_nothing(string name, string mode)
    {
        using var scope = NewDisposeScope();
        var network = Make(name, mode);
        var before = new Snapshot(network);
        Assert.Throws<ArgumentException>(() => XSepConverter.Convert(network, [2, 5, 32, 32]));
        RequireSame(before, network);
        Assert.Throws<InvalidOperationException>(() => XSepConverter.Convert(network, Input, new() { MinKernel = 31, MinKernelStride2 = 31 }));
        RequireSame(before, network);
        var notFinite = full([4, 3, 32, 32], float.NaN);
        Assert.Throws<ArgumentException>(() => XSepConverter.Convert(network, Input, new() { Initialise = KernelInitialisation.Fit, Calibration = notFinite }));
        RequireSame(before, network);
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void A_conversion_changes_what_it_replaces_alone(string name, string mode)
    {
        foreach (var initialise in Enum.GetValues<KernelInitialisation>())
        {
            using var scope = NewDisposeScope();
            var images = randn(4, 3, 32, 32);
            var network = Make(name, mode);
            var before = new Snapshot(network);
            var modes = network.named_modules().ToDictionary(entry => entry.name, entry => entry.module.training);
            var options = initialise == KernelInitialisation.Fit
                ? new ConversionOptions { Initialise = initialise, Calibration = images, FitSteps = 1 }
                : new() { Initialise = initialise };
            var dtype = network.parameters().First().dtype;
            var state = random.get_rng_state();
            var report = XSepConverter.Convert(network, Input, options);

            string[] places = [.. report.Replaced.SelectMany(layer => new[] { layer.Path, layer.BatchNormPath }).OfType<string>()];
            before.RequireSame(new Snapshot(network), places);

            // Only the new layers have drawn.
            var after = random.get_rng_state();
            random.set_rng_state(state);
            foreach (var layer in report.Replaced) new XSepConv2d(layer.Channels, layer.KernelSize, layer.Stride, layer.Padding, dtype: dtype).Dispose();
            Assert.True(random.get_rng_state().eq(after).all().item<bool>());

            var now = network.named_modules().ToDictionary(entry => entry.name, entry => entry.module);
            foreach (var layer in report.Replaced)
            {
                Assert.All(now[layer.Path].modules().Prepend(now[layer.Path]), module => Assert.Equal(modes[layer.BatchNormPath!], module.training));
                Assert.Equal(modes[layer.BatchNormPath!], now[layer.BatchNormPath!].training);
                if (initialise == KernelInitialisation.Fit) continue;
                // As they were made: no image has run through them in training mode.
                foreach (var norm in now[layer.Path].children().OfType<BatchNorm2d>())
                {
                    Assert.Equal((0f, 1f, 0L), (norm.running_mean!.abs().max().ToSingle(), norm.running_var!.to(float32).max().ToSingle(), norm.num_batches_tracked!.item<long>()));
                    Assert.Equal(1f, norm.running_var!.to(float32).min().ToSingle());
                }
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_preview_of_one_pixel_promises_is_done(bool training)
    {
        using var network = Sequential(("dw", Conv2d(4, 4, 5, padding: 2, groups: 4)), ("bn", BatchNorm2d(4)));
        network.train(training);
        var promised = XSepConverter.Preview(network, [1, 4, 1, 1]).ToString();
        Assert.Equal(promised, XSepConverter.Convert(network, [1, 4, 1, 1]).ToString());
        Assert.Equal(training, ((Module)network[0]).training);
    }

    [Fact]
    public void What_was_not_trained_is_not_trained_afterwards()
    {
        using var network = Sequential(
            ("free", Conv2d(4, 4, 5, padding: 2, groups: 4)), ("freeNorm", BatchNorm2d(4)),
            ("frozen", Conv2d(4, 4, 5, padding: 2, groups: 4)), ("frozenNorm", BatchNorm2d(4)),
            ("kernel", Conv2d(4, 4, 5, padding: 2, groups: 4)), ("kernelNorm", BatchNorm2d(4)),
            ("norm", Conv2d(4, 4, 5, padding: 2, groups: 4)), ("normNorm", BatchNorm2d(4)));
        foreach (var (name, parameter) in network.named_parameters())
        {
            parameter.requires_grad = !(name.StartsWith("frozen", StringComparison.Ordinal) || name.StartsWith("kernel.", StringComparison.Ordinal) || name is "normNorm.bias");
        }

        Assert.Equal(4, XSepConverter.Convert(network, [1, 4, 8, 8]).Replaced.Count);
        string[] frozen = [.. network.named_parameters().Where(entry => !entry.parameter.requires_grad).Select(entry => entry.name)];
        string[] whole = ["conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight", "bn2.weight", "bn2.bias", "conv3.weight", "bn3.weight", "bn3.bias"];
        Assert.Equal([.. whole.Select(name => $"frozen.{name}"), .. whole[..7].Select(name => $"kernel.{name}"), "norm.bn3.bias"], frozen.ToHashSet());
    }

    [Fact]
    public void Hooks_of_what_stays_go_on_and_a_backward_that_is_still_to_come_goes_through()
    {
        using var scope = NewDisposeScope();
        var network = UserNetworks.PlainSequential();
        var runs = 0;
        ((Conv2d)network.named_children().Single(child => child.name == "wide").module).register_forward_hook(_ => runs++);
        var linear = (Linear)network.named_children().Single(child => child.name == "linear").module;
        var (x, zero) = (randn(2, 20), network.get_parameter("dw1_bn.weight")!);
        using (no_grad()) zero.zero_();
        var loss = linear.call(x * randn(20).requires_grad_(true)).sum() + (randn(12).requires_grad_(true) * zero).sum();
        XSepConverter.Convert(network, Input);
        runs = 0;
        network.call(randn(Input));
        Assert.Equal(1, runs);
        loss.backward();
    }

    private static void RequireSame(Snapshot before, Module network)
    {
        var now = new Snapshot(network);
        before.RequireSame(now);
        Assert.Equal(before.Random, now.Random);
    }

    private static Module<Tensor, Tensor> Make(string name, string mode)
    {
        random.manual_seed(7);
        var network = name == "counting" ? new Counting() : UserNetworks.Create(name);
        // As training leaves a network: gradients, and statistics of its own.
        network.train();
        using (NewDisposeScope()) network.call(randn(4, 3, 32, 32)).sum().backward();
        var modules = network.named_modules().Select(entry => entry.module).ToList();
        switch (mode)
        {
            case "eval":
                network.eval();
                break;
            case "frozen norms":
                foreach (var norm in modules.OfType<BatchNorm2d>())
                {
                    norm.eval();
                    foreach (var parameter in norm.parameters()) parameter.requires_grad = false;
                }

                break;
            case "mixed":
                network.eval();
                for (var i = 0; i < modules.Count; i += 3) modules[i].train();
                break;
            case "double":
                network.to(ScalarType.Float64);
                break;
        }

        return network;
    }

    // Counts its forwards, changes a weight of its own, and draws: in eval mode too, and without another output.
    private sealed class Counting : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> inner = UserNetworks.PlainSequential();
        private readonly Tensor calls = zeros(1, dtype: int64);
        private readonly Linear last = Linear(3, 3);

        public Counting() : base(nameof(Counting)) => RegisterComponents();

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            using (no_grad())
            {
                calls.add_(1);
                last.weight.copy_(randn(3, 3));
            }

            return inner.call(x).MoveToOuterDisposeScope();
        }
    }
}
