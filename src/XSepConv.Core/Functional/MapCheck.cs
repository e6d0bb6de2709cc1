using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Checks what a module is given before libtorch sees it.</summary>
internal static class MapCheck
{
    /// <summary>
    /// Checks a map [N, C, H, W] against the module's channels and weights and lays it out as libtorch computes it right.
    /// </summary>
    /// <exception cref="ArgumentException">Rank, channels, size, dtype or device do not fit.</exception>
    public static Tensor Require(Tensor x, long channels, Tensor weight, string module)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() != 4)
        {
            throw new ArgumentException(
                $"x has shape [{string.Join(", ", x.shape)}]; {module} takes maps [N, C, H, W] with C = {channels}.", nameof(x));
        }

        // size(d) costs a thirtieth of shape, which is a new array each time.
        if (x.size(1) != channels)
        {
            throw new ArgumentException(
                $"x has {x.size(1)} channels in its shape [{string.Join(", ", x.shape)}]; {module} takes {channels}.", nameof(x));
        }

        if (x.size(2) < 1 || x.size(3) < 1)
        {
            throw new ArgumentException(
                $"x has shape [{string.Join(", ", x.shape)}]; {module} needs images of at least 1×1 pixel.", nameof(x));
        }

        if (x.dtype != weight.dtype)
        {
            throw new ArgumentException(
                $"x has dtype {x.dtype}, the weights of {module} {weight.dtype}; convert one with .to(…).", nameof(x));
        }

        if (x.device_type != weight.device_type || x.device_index != weight.device_index)
        {
            throw new ArgumentException(
                $"x is on {x.device}, the weights of {module} are on {weight.device}; move one with .to(…).", nameof(x));
        }

        return x.device_type == DeviceType.CPU ? RowMajor(x) : x;
    }

    // libtorch 2.10 computes wrong 1×1 convolutions on channels-last CPU tensors with AVX-512. A map of one channel or one pixel counts
    // as contiguous whatever its strides say, so those are looked at themselves.
    private static Tensor RowMajor(Tensor x)
    {
        if (!x.is_contiguous()) return x.contiguous();
        long expected = 1;
        for (var d = (int)x.dim() - 1; d >= 0; d--)
        {
            if (x.stride(d) != expected) return x.view(-1).view(x.shape);
            expected *= x.size(d);
        }

        return x;
    }
}
