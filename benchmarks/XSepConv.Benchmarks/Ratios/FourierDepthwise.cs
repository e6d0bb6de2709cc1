using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>
/// A depthwise convolution by the Fourier transform, padded by K/2: the reference in float64, for which libtorch's own takes a
/// minute at K = 31 with its gradients.
/// </summary>
internal sealed class FourierDepthwise : nn.Module<Tensor, Tensor>
{
    private readonly int _stride;
    private readonly Parameter weight;

    public FourierDepthwise(int channels, int kernelSize, int stride) : base(nameof(FourierDepthwise))
    {
        _stride = stride;
        weight = nn.Parameter(zeros(channels, 1, kernelSize, kernelSize, dtype: ScalarType.Float64));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (kernel, height, width) = (weight.size(2), x.size(2), x.size(3));
        // Without the zeros behind the map, its ends would meet. A network's convolution is a correlation: the kernel turned around.
        long[] sides = [height + kernel - 1, width + kernel - 1];
        var product = fft.rfft2(x, sides) * fft.rfft2(weight.squeeze(1).flip(1, 2), sides);
        return fft.irfft2(product, sides)[TensorIndex.Ellipsis, Every(height), Every(width)].MoveToOuterDisposeScope();

        TensorIndex Every(long side) => TensorIndex.Slice(kernel / 2, (kernel / 2) + side, _stride);
    }
}
