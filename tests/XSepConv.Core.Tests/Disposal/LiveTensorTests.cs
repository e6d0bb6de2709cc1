using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Disposal;

/// <summary>How many tensors are alive: flat, whatever a module does. Nothing else runs meanwhile: tests run one at a time.</summary>
public sealed class LiveTensorTests : IDisposable
{
    private readonly int _threads = get_num_threads();

    // Maps of a few pixels: a second thread has nothing to do but to wait, and on a busy machine is waited for, 50 ms a step instead of 2.
    public LiveTensorTests() => set_num_threads(1);

    public void Dispose() => set_num_threads(_threads);

    public static TheoryData<string> Modules() =>
        ["XSepBlock", "XSepBlock Symmetric", "XSepBlock before", "XSepBlock plain", "XSepBlock shortcut", "DwBlock", "DwBlock twin", "DwBlock plain", "SepBlock", "InvertedResidualBlock", "SeModule", "XSepConv2d", "HSwish", "HSigmoid", "MobileNet"];

    private static nn.Module<Tensor, Tensor> Create(string module) => module switch
    {
        "XSepBlock" => new XSepBlock(3, 8, 16, 8, PaddingDirection.LeftTop),
        "XSepBlock Symmetric" => new XSepBlock(5, 8, 18, 8, PaddingDirection.Symmetric),
        "XSepBlock before" => new XSepBlock(3, 8, 16, 8, PaddingDirection.Symmetric, placement: PaddingPlacement.BeforeExpand),
        "XSepBlock plain" => new XSepBlock(3, 8, 16, 8, PaddingDirection.RightTop, squeezeExcite: false, stride: 2),
        "XSepBlock shortcut" => new XSepBlock(3, 8, 16, 12, PaddingDirection.LeftBottom),
        "DwBlock" => new DwBlock(5, 8, 16, 12),
        "DwBlock twin" => new DwBlock(5, 8, 16, 8, squeezeExcite: SqueezeExcite.Expanded),
        "DwBlock plain" => new DwBlock(5, 8, 16, 8, squeezeExcite: SqueezeExcite.None, stride: 2),
        "SepBlock" => new SepBlock(new(BlockKind.Sep, 5, 8, 16, 12, Activation.HSwish, SqueezeExcite.Expanded, 1)),
        "InvertedResidualBlock" => new InvertedResidualBlock(new(BlockKind.InvertedResidual, 5, 8, 8, 8, Activation.HSwish, SqueezeExcite.Expanded, 1)),
        "SeModule" => new SeModule(8),
        "XSepConv2d" => new XSepConv2d(8, 5, stride: 2),
        "HSwish" => new HSwish(),
        "HSigmoid" => new HSigmoid(),
        _ => new XSepMobileNetV3Small(new MobileNetV3Options { InputChannels = 8, Width = 0.1, NumClasses = 3, Preset = ImagePreset.Cifar, Dropout = 0.1 }),
    };

    [Theory]
    [MemberData(nameof(Modules))]
    public void A_forward_leaves_its_result_and_nothing_else(string name)
    {
        Finalisers.Run();
        using var module = Create(name);
        using var contiguous = randn(4, 8, 5, 6);
        using var pixels = randn(4, 5, 6, 8);
        using var channelsLast = pixels.permute(0, 3, 1, 2);
        foreach (var training in new[] { true, false })
        {
            module.train(training);
            foreach (var x in new[] { contiguous, channelsLast })
            {
                module.call(x).Dispose();
                var before = Tensor.TotalCount;
                for (var i = 0; i < 5; i++)
                {
                    using var y = module.call(x);
                    Assert.Equal(before + 1, Tensor.TotalCount);
                }

                Assert.Equal(before, Tensor.TotalCount);

                // Inside a scope of the caller's, too, and without gradients.
                using (NewDisposeScope())
                {
                    using var noGrad = no_grad();
                    module.call(x);
                    Assert.Equal(before + 1, Tensor.TotalCount);
                }

                Assert.Equal(before, Tensor.TotalCount);
            }
        }
    }

    [Theory]
    [InlineData("XSepBlock Symmetric")]
    [InlineData("DwBlock")]
    [InlineData("XSepBlock before")]
    [InlineData("SepBlock")]
    [InlineData("InvertedResidualBlock")]
    public void Training_steps_leave_what_one_left(string name)
    {
        using var module = Create(name);

        // TorchSharp's biased convolutions leave tensors to the collector when they are made.
        Finalisers.Run();
        using var optimizer = optim.SGD(module.parameters(), 0.01, momentum: 0.9);
        using var x = randn(2, 8, 3, 3);
        Step();
        var before = Tensor.TotalCount;
        for (var i = 0; i < 50; i++) Step();
        Assert.Equal(before, Tensor.TotalCount);

        void Step()
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            module.call(x).square().mean().backward();
            optimizer.step();
        }
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void A_disposed_module_leaves_as_much_as_stock_layers_do(string name)
    {
        Finalisers.Run();
        // TorchSharp never takes the tensor that a Parameter was made from off its count: what it leaves is measured on stock layers.
        var before = Tensor.TotalCount;
        nn.Conv2d(1, 1, 1, bias: false).Dispose();
        var leftByAParameter = Tensor.TotalCount - before;

        long parameters;
        before = Tensor.TotalCount;
        using (NewDisposeScope())
        {
            var module = Create(name);
            parameters = module.parameters().Count();
            module.call(ones(2, 8, 2, 2));
            module.Dispose();
        }

        Assert.Equal(before + (parameters * leftByAParameter), Tensor.TotalCount);
    }

    [Fact]
    public void Saving_loading_and_profiling_leave_nothing()
    {
        Finalisers.Run();
        using var folder = new TemporaryFolder();
        using var network = Create("MobileNet");
        var path = folder.File("network.safetensors");
        Use();
        var before = Tensor.TotalCount;
        for (var i = 0; i < 3; i++) Use();
        Assert.Equal(before, Tensor.TotalCount);

        void Use()
        {
            ((MobileNet)network).SaveSafeTensors(path);
            network.LoadSafeTensors(path);
            Assert.NotEmpty(ModelProfile.Of(network, 1, 8, 8, 8).Layers);
        }
    }

    [Fact]
    public void Profiling_gives_every_layer_its_mode_back()
    {
        using var network = Create("MobileNet");
        network.train();
        foreach (var norm in network.modules().OfType<BatchNorm2d>()) norm.eval();
        var before = network.named_modules().ToDictionary(entry => entry.name, entry => entry.module.training);
        Assert.Contains(true, before.Values);
        Assert.Contains(false, before.Values);
        ModelProfile.Of(network, 1, 8, 8, 8);
        Assert.Equal(before, network.named_modules().ToDictionary(entry => entry.name, entry => entry.module.training));
    }
}
