using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

/// <summary>ConvNeXt and RepLKNet at a small size, layer by layer as their authors' code has them: nothing in them knows of XSepConv.</summary>
internal static class LargeKernelNetworks
{
    /// <summary>Patch stem, layer norms over channels in both layouts, 7×7 with bias → permute → LayerNorm → Linear → GELU → Linear, layer scale.</summary>
    public sealed class ConvNeXt : Module<Tensor, Tensor>
    {
        private readonly ModuleList<Module<Tensor, Tensor>> downsample_layers, stages;
        private readonly Module<Tensor, Tensor> norm, head;

        public ConvNeXt(int kernel = 7) : base(nameof(ConvNeXt))
        {
            downsample_layers = new ModuleList<Module<Tensor, Tensor>>(
                Sequential(Conv2d(3, 8, 4, stride: 4), new ChannelsFirstLayerNorm(8)),
                Sequential(new ChannelsFirstLayerNorm(8), Conv2d(8, 12, 2, stride: 2)));
            stages = new ModuleList<Module<Tensor, Tensor>>(
                Sequential(new ConvNeXtBlock(8, kernel), new ConvNeXtBlock(8, kernel)),
                Sequential(new ConvNeXtBlock(12, kernel)));
            norm = LayerNorm(12, eps: 1e-6);
            head = Linear(12, 8);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            foreach (var (down, stage) in downsample_layers.Zip(stages)) x = stage.call(down.call(x));
            return head.call(norm.call(x.mean([-2, -1]))).MoveToOuterDisposeScope();
        }
    }

    private sealed class ConvNeXtBlock : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> dwconv, norm, pwconv1, act, pwconv2;
        private readonly TorchSharp.Modules.Parameter gamma;

        public ConvNeXtBlock(int dim, int kernel) : base(nameof(ConvNeXtBlock))
        {
            dwconv = Conv2d(dim, dim, kernel, padding: kernel / 2, groups: dim);
            norm = LayerNorm(dim, eps: 1e-6);
            pwconv1 = Linear(dim, 4 * dim);
            act = GELU();
            pwconv2 = Linear(4 * dim, dim);
            gamma = Parameter(0.5f * ones(dim));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var input = x;
            x = dwconv.call(x);
            x = x.permute(0, 2, 3, 1); // (N, C, H, W) -> (N, H, W, C)
            x = norm.call(x);
            x = pwconv2.call(act.call(pwconv1.call(x)));
            x = gamma * x;
            x = x.permute(0, 3, 1, 2);
            return (input + x).MoveToOuterDisposeScope();
        }
    }

    private sealed class ChannelsFirstLayerNorm : Module<Tensor, Tensor>
    {
        private readonly TorchSharp.Modules.Parameter weight, bias;

        public ChannelsFirstLayerNorm(int channels) : base(nameof(ChannelsFirstLayerNorm))
        {
            (weight, bias) = (Parameter(ones(channels)), Parameter(zeros(channels)));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var u = x.mean([1], keepdim: true);
            var s = (x - u).pow(2).mean([1], keepdim: true);
            x = (x - u) / sqrt(s + 1e-6);
            return (weight.reshape(1, -1, 1, 1) * x + bias.reshape(1, -1, 1, 1)).MoveToOuterDisposeScope();
        }
    }

    /// <summary>A large kernel + BN in parallel with a 5×5 + BN, summed; ConvFFN blocks between; transitions with a 3×3 of stride 2.</summary>
    public sealed class RepLKNet : Module<Tensor, Tensor>
    {
        private readonly ModuleList<Module<Tensor, Tensor>> stem, stages, transitions;
        private readonly Module<Tensor, Tensor> norm, head;

        public RepLKNet(params int[] kernels) : base(nameof(RepLKNet))
        {
            stem = new ModuleList<Module<Tensor, Tensor>>(
                ConvBnReLU(3, 8, 3, 2, 1), ConvBnReLU(8, 8, 3, 1, 8), ConvBnReLU(8, 8, 1, 1, 1));
            stages = new ModuleList<Module<Tensor, Tensor>>();
            transitions = new ModuleList<Module<Tensor, Tensor>>();
            var channels = 8;
            foreach (var (i, kernel) in kernels.Index())
            {
                if (i > 0)
                {
                    transitions.Add(Sequential(ConvBnReLU(channels, channels + 4, 1, 1, 1), ConvBnReLU(channels + 4, channels + 4, 3, 2, channels + 4)));
                    channels += 4;
                }

                stages.Add(Sequential(new RepLKBlock(channels, kernel), new ConvFFN(channels)));
            }

            norm = BatchNorm2d(channels);
            head = Linear(channels, 8);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            foreach (var layer in stem) x = layer.call(x);
            for (var i = 0; i < stages.Count; i++)
            {
                x = stages[i].call(x);
                if (i < transitions.Count) x = transitions[i].call(x);
            }

            return head.call(norm.call(x).mean([2, 3])).MoveToOuterDisposeScope();
        }
    }

    private static Sequential ConvBn(int channels, int outChannels, int kernel, int stride, int groups) => Sequential(
        ("conv", Conv2d(channels, outChannels, kernel, stride: stride, padding: kernel / 2, groups: groups, bias: false)),
        ("bn", BatchNorm2d(outChannels)));

    private static Sequential ConvBnReLU(int channels, int outChannels, int kernel, int stride, int groups) => Sequential(
        ("conv", Conv2d(channels, outChannels, kernel, stride: stride, padding: kernel / 2, groups: groups, bias: false)),
        ("bn", BatchNorm2d(outChannels)), ("nonlinear", ReLU()));

    private sealed class ReparamLargeKernelConv : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> lkb_origin, small_conv;

        public ReparamLargeKernelConv(int channels, int kernel) : base(nameof(ReparamLargeKernelConv))
        {
            lkb_origin = ConvBn(channels, channels, kernel, 1, channels);
            small_conv = ConvBn(channels, channels, 5, 1, channels);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var y = lkb_origin.call(x);
            y.add_(small_conv.call(x));
            return y.MoveToOuterDisposeScope();
        }
    }

    private sealed class RepLKBlock : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> prelkb_bn, pw1, large_kernel, lk_nonlinear, pw2;

        public RepLKBlock(int channels, int kernel) : base(nameof(RepLKBlock))
        {
            prelkb_bn = BatchNorm2d(channels);
            pw1 = ConvBnReLU(channels, channels, 1, 1, 1);
            large_kernel = new ReparamLargeKernelConv(channels, kernel);
            lk_nonlinear = ReLU();
            pw2 = ConvBn(channels, channels, 1, 1, 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var y = pw1.call(prelkb_bn.call(x));
            y = pw2.call(lk_nonlinear.call(large_kernel.call(y)));
            return (x + y).MoveToOuterDisposeScope();
        }
    }

    private sealed class ConvFFN : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> preffn_bn, pw1, nonlinear, pw2;

        public ConvFFN(int channels) : base(nameof(ConvFFN))
        {
            preffn_bn = BatchNorm2d(channels);
            pw1 = ConvBn(channels, 4 * channels, 1, 1, 1);
            nonlinear = GELU();
            pw2 = ConvBn(4 * channels, channels, 1, 1, 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return (x + pw2.call(nonlinear.call(pw1.call(preffn_bn.call(x))))).MoveToOuterDisposeScope();
        }
    }
}
