using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

/// <summary>Networks as users of TorchSharp write them: nothing in them knows of XSepConv.</summary>
internal static class UserNetworks
{
    public static Module<Tensor, Tensor> Create(string name) => name switch
    {
        "mobilenet" => new MobileNetV2Like(),
        "convnext" => new ConvNeXtLike(),
        "sequential" => PlainSequential(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such network."),
    };

    // 5×5 depthwise at 16×16 (two), at stride 2 (stays) and at 8×8 (one), a 3×3 that stays.
    public static Sequential PlainSequential() => Sequential(
        ("conv", Conv2d(3, 12, 3, stride: 2, padding: 1, bias: false)),
        ("bn", BatchNorm2d(12)),
        ("act", ReLU()),
        ("dw1", Conv2d(12, 12, 5, padding: 2, groups: 12, bias: false)),
        ("dw1_bn", BatchNorm2d(12)),
        ("act1", ReLU6()),
        ("dw2", Conv2d(12, 12, 5, padding: 2, groups: 12)),
        ("dw2_bn", BatchNorm2d(12)),
        ("small", Conv2d(12, 12, 3, padding: 1, groups: 12)),
        ("small_bn", BatchNorm2d(12)),
        ("down", Conv2d(12, 12, 5, stride: 2, padding: 2, groups: 12)),
        ("down_bn", BatchNorm2d(12)),
        ("wide", Conv2d(12, 20, 1)),
        ("dw3", Conv2d(20, 20, 5, padding: 2, groups: 20)),
        ("dw3_bn", BatchNorm2d(20)),
        ("pool", AdaptiveAvgPool2d(1)),
        ("flatten", Flatten()),
        ("linear", Linear(20, 8)));

    /// <summary>Inverted residuals: a Sequential in a field of each block, a ReLU6 after each batch norm, a linear bottleneck.</summary>
    public sealed class MobileNetV2Like : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> features, classifier;

        public MobileNetV2Like() : base(nameof(MobileNetV2Like))
        {
            features = Sequential(
                Conv2d(3, 8, 3, stride: 2, padding: 1, bias: false), BatchNorm2d(8), ReLU6(),
                new InvertedResidual(8, 8, 5, 1), new InvertedResidual(8, 8, 5, 1), new InvertedResidual(8, 8, 5, 1),
                new InvertedResidual(8, 12, 7, 2), new InvertedResidual(12, 12, 5, 1));
            classifier = Sequential(Dropout(0.1), Linear(12, 8));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return classifier.call(features.call(x).mean([2, 3])).MoveToOuterDisposeScope();
        }
    }

    private sealed class InvertedResidual : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv;
        private readonly bool shortcut;

        public InvertedResidual(int channels, int outChannels, int kernel, int stride) : base(nameof(InvertedResidual))
        {
            shortcut = stride == 1 && channels == outChannels;
            var hidden = channels * 3;
            conv = Sequential(
                Conv2d(channels, hidden, 1, bias: false), BatchNorm2d(hidden), ReLU6(),
                Conv2d(hidden, hidden, kernel, stride: stride, padding: kernel / 2, groups: hidden, bias: false), BatchNorm2d(hidden), ReLU6(inplace: true),
                Conv2d(hidden, outChannels, 1, bias: false), BatchNorm2d(outChannels));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => shortcut ? x + conv.call(x) : conv.call(x);
    }

    /// <summary>ConvNeXt's blocks in ModuleLists, a 7×7 with batch norm in fields, layer scale as a parameter.</summary>
    public sealed class ConvNeXtLike : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> stem, head;
        private readonly ModuleList<Module<Tensor, Tensor>> downsample, stages;

        public ConvNeXtLike() : base(nameof(ConvNeXtLike))
        {
            stem = Conv2d(3, 16, 2, stride: 2);
            downsample = new ModuleList<Module<Tensor, Tensor>>(Identity(), Conv2d(16, 24, 2, stride: 2));
            stages = new ModuleList<Module<Tensor, Tensor>>(
                Sequential(new ConvNeXtBlock(16), new ConvNeXtBlock(16), new ConvNeXtBlock(16)),
                Sequential(new ConvNeXtBlock(24), new ConvNeXtBlock(24)));
            head = Linear(24, 8);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            x = stem.call(x);
            foreach (var (down, stage) in downsample.Zip(stages)) x = stage.call(down.call(x));
            return head.call(x.mean([2, 3])).MoveToOuterDisposeScope();
        }
    }

    private sealed class ConvNeXtBlock : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> dwconv, norm, pwconv1, pwconv2;
        private readonly TorchSharp.Modules.Parameter gamma;

        public ConvNeXtBlock(int channels) : base(nameof(ConvNeXtBlock))
        {
            dwconv = Conv2d(channels, channels, 7, padding: 3, groups: channels);
            norm = BatchNorm2d(channels);
            pwconv1 = Linear(channels, 2 * channels);
            pwconv2 = Linear(2 * channels, channels);
            gamma = Parameter(0.5f * ones(channels));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var y = dwconv.call(x);
            y = norm.call(y).permute(0, 2, 3, 1);
            y = pwconv2.call(functional.gelu(pwconv1.call(y))) * gamma;
            return (x + y.permute(0, 3, 1, 2)).MoveToOuterDisposeScope();
        }
    }
}
