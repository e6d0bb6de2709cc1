using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Stands for TorchVision's network, which has this name; its package is not needed for what the exporter says of it.</summary>
internal sealed class MobileNetV3 : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d conv = nn.Conv2d(3, 4, 1);

    public MobileNetV3() : base(nameof(MobileNetV3)) => RegisterComponents();

    public override Tensor forward(Tensor x) => conv.call(x);
}
