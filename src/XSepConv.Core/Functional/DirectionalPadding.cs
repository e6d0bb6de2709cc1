using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Applies a <see cref="PaddingDirection"/> to a tensor.</summary>
public static class DirectionalPadding
{
    /// <summary>Adds one row and one column of zeros on the sides that the direction names.</summary>
    /// <param name="x">[N, C, H, W], any device and dtype.</param>
    /// <param name="direction">Which sides; <see cref="PaddingDirection.Symmetric"/> pads four channel groups differently.</param>
    /// <returns>[N, C, H+1, W+1]. Differentiable.</returns>
    /// <exception cref="ArgumentException"><paramref name="x"/> is not of rank 4, or has no channels.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="direction"/> is none of the five.</exception>
    public static Tensor Pad(Tensor x, PaddingDirection direction)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() != 4)
        {
            throw new ArgumentException($"x has shape [{string.Join(", ", x.shape)}]; padding takes maps [N, C, H, W].", nameof(x));
        }

        if (x.shape[1] < 1)
        {
            throw new ArgumentException($"x has no channels in its shape [{string.Join(", ", x.shape)}].", nameof(x));
        }

        return direction == PaddingDirection.Symmetric ? PadGroups(x) : PadOneSide(x, direction);
    }

    private static Tensor PadOneSide(Tensor x, PaddingDirection direction)
    {
        var (left, top) = (direction.IsLeft() ? 1L : 0L, direction.IsTop() ? 1L : 0L);
        return nn.functional.pad(x, (left, 1 - left, top, 1 - top));
    }

    private static Tensor PadGroups(Tensor x)
    {
        using var scope = NewDisposeScope();
        var (first, second, third, fourth) = PaddingGeometry.SymmetricGroups((int)x.shape[1]);
        var groups = new List<Tensor>();
        long start = 0;
        foreach (var (size, direction) in new[] { first, second, third, fourth }.Zip(PaddingGeometry.SymmetricOrder.ToArray()))
        {
            if (size > 0) groups.Add(PadOneSide(x.narrow(1, start, size), direction));
            start += size;
        }

        return cat(groups, 1).MoveToOuterDisposeScope();
    }
}
