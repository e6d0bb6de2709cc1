using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>
/// XSepConv as one would write it of libtorch's layers, in whichever layout its map has: <see cref="XSepConv2d"/> brings every map into
/// row-major order first. Padded right and below.
/// </summary>
internal sealed class StockXSep : nn.Module<Tensor, Tensor>
{
    // In the order of XSepConv2d's parameters.
    private readonly Conv2d conv1, conv2, conv3;
    private readonly BatchNorm2d bn1, bn2, bn3;
    private readonly int _stride;

    public StockXSep(int channels, int kernel, int stride)
        : base(nameof(StockXSep))
    {
        _stride = stride;
        (conv1, conv2, conv3) = Convolutions(channels, kernel, stride, bias: false);
        (bn1, bn2, bn3) = (nn.BatchNorm2d(channels), nn.BatchNorm2d(channels), nn.BatchNorm2d(channels));
        RegisterComponents();
    }

    /// <summary>For inference: batch norms in the convolutions, activations in place.</summary>
    public Sequential Folded()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (first, second, third) = Convolutions((int)conv1.out_channels, (int)conv2.kernel_size[1], _stride, bias: true);
        foreach (var (conv, norm, folded) in new[] { (conv1, bn1, first), (conv2, bn2, second), (conv3, bn3, third) })
        {
            var scale = norm.weight / (norm.running_var! + norm.eps).sqrt();
            folded.weight.copy_(conv.weight * scale.view(-1, 1, 1, 1));
            folded.bias!.copy_(norm.bias! - (norm.running_mean! * scale));
        }

        return nn.Sequential(
            nn.ZeroPad2d((0, 1, 0, 1)), first, nn.Hardswish(inplace: true), second, nn.Hardswish(inplace: true), third);
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = nn.functional.hardswish(bn1.call(conv1.call(DirectionalPadding.Pad(x, PaddingDirection.RightBottom))));
        x = nn.functional.hardswish(bn2.call(conv2.call(x)));
        return bn3.call(conv3.call(x)).MoveToOuterDisposeScope();
    }

    private static (Conv2d First, Conv2d Second, Conv2d Third) Convolutions(int channels, int kernel, int stride, bool bias) =>
    (
        nn.Conv2d(channels, channels, 2, groups: channels, bias: bias),
        nn.Conv2d(channels, channels, (1, kernel), stride: (1, stride), padding: (0, kernel / 2), groups: channels, bias: bias),
        nn.Conv2d(channels, channels, (kernel, 1), stride: (stride, 1), padding: (kernel / 2, 0), groups: channels, bias: bias));
}
