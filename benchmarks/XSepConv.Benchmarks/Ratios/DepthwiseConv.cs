using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>A K×K depthwise convolution and its BN alone, on this project's fused kernels.</summary>
internal sealed class DepthwiseConv : nn.Module<Tensor, Tensor>
{
    private readonly DepthwiseStage _stage;

    public DepthwiseConv(Conv2d conv, BatchNorm2d norm) : base(nameof(DepthwiseConv))
    {
        (Conv, Norm) = (conv, norm);
        _stage = new(conv, norm, Activation.ReLU) { Backend = XSepBackend.Fused };
        register_module("0", conv);
        register_module("1", norm);
    }

    public Conv2d Conv { get; }

    public BatchNorm2d Norm { get; }

    public override Tensor forward(Tensor x) => _stage.Forward(x, activated: false);
}
