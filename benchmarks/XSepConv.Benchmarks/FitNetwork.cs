using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks;

/// <summary>
/// The network whose conversion is measured: a small MobileNetV2 (inverted residuals, linear bottlenecks) with large kernels, for 28×28
/// grey images.
/// </summary>
internal static class FitNetwork
{
    /// <summary>Builds it.</summary>
    /// <param name="kernel">Of the four blocks of stride 1; the two of stride 2 have 3×3.</param>
    public static Sequential Create(int kernel) => nn.Sequential(
        ("stem", nn.Conv2d(1, 16, 3, stride: 2, padding: 1, bias: false)),
        ("stem_bn", nn.BatchNorm2d(16)),
        ("stem_act", nn.Hardswish()),
        ("block1", new InvertedResidual(16, 64, 24, kernel, 1)),
        ("block2", new InvertedResidual(24, 96, 24, kernel, 1)),
        ("block3", new InvertedResidual(24, 96, 40, 3, 2)),
        ("block4", new InvertedResidual(40, 160, 40, kernel, 1)),
        ("block5", new InvertedResidual(40, 160, 40, kernel, 1)),
        ("head", nn.Conv2d(40, 160, 1, bias: false)),
        ("head_bn", nn.BatchNorm2d(160)),
        ("head_act", nn.Hardswish()),
        ("pool", nn.AdaptiveAvgPool2d(1)),
        ("flatten", nn.Flatten()),
        ("classifier", nn.Linear(160, 10)));

    private sealed class InvertedResidual : nn.Module<Tensor, Tensor>
    {
        private readonly Sequential conv;
        private readonly bool _shortcut;

        public InvertedResidual(int channels, int expanded, int outChannels, int kernel, int stride) : base(nameof(InvertedResidual))
        {
            _shortcut = stride == 1 && channels == outChannels;
            conv = nn.Sequential(
                nn.Conv2d(channels, expanded, 1, bias: false), nn.BatchNorm2d(expanded), nn.Hardswish(),
                nn.Conv2d(expanded, expanded, kernel, stride: stride, padding: kernel / 2, groups: expanded, bias: false),
                nn.BatchNorm2d(expanded), nn.Hardswish(),
                nn.Conv2d(expanded, outChannels, 1, bias: false), nn.BatchNorm2d(outChannels));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var y = conv.call(x);
            return (_shortcut ? x + y : y).MoveToOuterDisposeScope();
        }
    }
}
