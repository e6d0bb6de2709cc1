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

        if (x.size(1) < 1)
        {
            throw new ArgumentException($"x has no channels in its shape [{string.Join(", ", x.shape)}].", nameof(x));
        }

        return Sided(x, 1, direction, PadOneSide);
    }

    /// <summary>What <see cref="Pad"/> has put a row and a column around.</summary>
    internal static Tensor Crop(Tensor padded, PaddingDirection direction) => Sided(padded, 1, direction, CropOneSide);

    /// <summary>
    /// The 2×2 weights as 3×3 ones: convolved with padding 1 they give what the 2×2 gives on the map that <paramref name="direction"/>
    /// pads, without a padded copy of it.
    /// </summary>
    /// <param name="weight">[C, 1, 2, 2].</param>
    /// <param name="direction">Where the 2×2 pads.</param>
    /// <returns>[C, 1, 3, 3]. Differentiable.</returns>
    internal static Tensor Embed(Tensor weight, PaddingDirection direction) => Sided(weight, 0, direction, EmbedOneSide);

    private static Tensor PadOneSide(Tensor x, PaddingDirection direction)
    {
        var (left, top) = (direction.IsLeft() ? 1L : 0L, direction.IsTop() ? 1L : 0L);
        return nn.functional.pad(x, (left, 1 - left, top, 1 - top));
    }

    private static Tensor CropOneSide(Tensor padded, PaddingDirection direction) =>
        padded.narrow(2, direction.IsTop() ? 1 : 0, padded.size(2) - 1).narrow(3, direction.IsLeft() ? 1 : 0, padded.size(3) - 1);

    private static Tensor EmbedOneSide(Tensor weight, PaddingDirection direction)
    {
        var (left, top) = (direction.IsLeft() ? 0L : 1L, direction.IsTop() ? 0L : 1L);
        return nn.functional.pad(weight, (left, 1 - left, top, 1 - top));
    }

    // Of symmetric padding, each of the four groups along the dimension of the channels has a side of its own.
    private static Tensor Sided(Tensor tensor, int dimension, PaddingDirection direction, Func<Tensor, PaddingDirection, Tensor> atOneSide)
    {
        if (direction != PaddingDirection.Symmetric) return atOneSide(tensor, direction);
        using var scope = NewDisposeScope();
        var (first, second, third, fourth) = PaddingGeometry.SymmetricGroups((int)tensor.size(dimension));
        ReadOnlySpan<int> sizes = [first, second, third, fourth];
        var groups = new List<Tensor>(sizes.Length);
        long start = 0;
        for (var i = 0; i < sizes.Length; i++)
        {
            if (sizes[i] > 0) groups.Add(atOneSide(tensor.narrow(dimension, start, sizes[i]), PaddingGeometry.SymmetricOrder[i]));
            start += sizes[i];
        }

        return cat(groups, dimension).MoveToOuterDisposeScope();
    }
}
