using System.Collections.Immutable;

namespace XSepConv;

/// <summary>
/// The improved symmetric padding strategy: which way each 2×2 depthwise layer of a network pads, so that the half-pixel shifts cancel.
/// </summary>
/// <remarks>
/// Source: arXiv 2002.12046 and the study notes on it; the case N % 4 = 3, which both leave open, is ours. Pure arithmetic, no tensors.
/// </remarks>
public static class PaddingPlan
{
    /// <summary>The padding of layer <paramref name="layer"/> in the cycle right-bottom, left-top, left-bottom, right-top.</summary>
    /// <param name="layer">The layer's number in its network, counted from 1.</param>
    /// <returns>One of the four one-sided directions; the end of a network is corrected by <see cref="ForNetwork"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="layer"/> is below 1.</exception>
    public static PaddingDirection ForLayer(int layer)
    {
        if (layer < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(layer), layer, "Layers are counted from 1.");
        }

        return (layer % 4) switch
        {
            1 => PaddingDirection.RightBottom,
            2 => PaddingDirection.LeftTop,
            3 => PaddingDirection.LeftBottom,
            _ => PaddingDirection.RightTop,
        };
    }

    /// <summary>The paper's rule for a network, or one stage of it, with <paramref name="layers"/> 2×2 layers.</summary>
    /// <param name="layers">N, how many 2×2 layers there are; 0 gives an empty plan.</param>
    /// <returns>
    /// N directions. N % 4 = 0: the cycle. N % 4 = 2: the cycle, whose last two are opposite. N odd: the last layer is
    /// <see cref="PaddingDirection.Symmetric"/> and those before it cancel among themselves.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="layers"/> is negative or above 65,536.</exception>
    public static ImmutableArray<PaddingDirection> ForNetwork(int layers)
    {
        CheckCount(layers, nameof(layers));
        return ForStages(layers);
    }

    /// <summary>
    /// The rule applied to each resolution on its own, so that shifts cancel before a stride makes half a pixel worth more.
    /// </summary>
    /// <param name="counts">How many 2×2 layers run at each resolution, in order; 0 is a stage without any.</param>
    /// <returns>The stages' plans, one after the other. The notes' network, <c>4, 2</c>, gives RB LT LB RT | RB LT.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A count is negative or above 65,536.</exception>
    public static ImmutableArray<PaddingDirection> ForStages(params ReadOnlySpan<int> counts)
    {
        var plan = ImmutableArray.CreateBuilder<PaddingDirection>();
        foreach (var count in counts)
        {
            CheckCount(count, nameof(counts));
            AppendStage(plan, count);
        }

        return plan.ToImmutable();
    }

    /// <summary>How far the content has moved, in pixels of the network's input, when the layers of a plan have all run.</summary>
    /// <param name="plan">The layers' paddings.</param>
    /// <param name="strides">
    /// For each layer, how many input pixels one pixel of its map spans (1 at full resolution, 16 after four halvings); empty means 1 for
    /// all.
    /// </param>
    /// <returns>X to the right, Y to the bottom; each layer adds half its stride, <see cref="PaddingDirection.Symmetric"/>
    /// nothing.</returns>
    /// <exception cref="ArgumentException"><paramref name="strides"/> has another length than <paramref name="plan"/>, or one is below
    /// 1.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A layer's padding is none of the five.</exception>
    public static (double X, double Y) ResidualShift(ReadOnlySpan<PaddingDirection> plan, ReadOnlySpan<int> strides = default)
    {
        if (!strides.IsEmpty && strides.Length != plan.Length)
        {
            throw new ArgumentException(
                $"There are {strides.Length} strides for {plan.Length} layers; give one for each layer, or none for stride 1.",
                nameof(strides));
        }

        double x = 0, y = 0;
        for (var i = 0; i < plan.Length; i++)
        {
            var stride = strides.IsEmpty ? 1 : strides[i];
            if (stride < 1)
            {
                throw new ArgumentException(
                    $"The stride of layer {i + 1} is {stride}; a map's pixel spans at least 1 input pixel.", nameof(strides));
            }

            var (dx, dy) = Shift(plan[i]);
            x += dx * stride;
            y += dy * stride;
        }

        return (x, y);
    }

    /// <summary>How one layer moves the content, in pixels of its own map: X to the right, Y to the bottom, each −½, 0 or ½.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="direction"/> is none of the five.</exception>
    public static (double X, double Y) Shift(PaddingDirection direction) => direction switch
    {
        PaddingDirection.RightBottom => (-0.5, -0.5),
        PaddingDirection.LeftTop => (0.5, 0.5),
        PaddingDirection.LeftBottom => (0.5, -0.5),
        PaddingDirection.RightTop => (-0.5, 0.5),
        PaddingDirection.Symmetric => (0, 0),
        _ => throw new ArgumentOutOfRangeException(
            nameof(direction), direction, "A padding is RightBottom, LeftTop, LeftBottom, RightTop or Symmetric."),
    };

    private static void AppendStage(ImmutableArray<PaddingDirection>.Builder plan, int layers)
    {
        for (var layer = 1; layer <= layers; layer++)
        {
            var lastOfOdd = layer == layers && layers % 2 == 1;
            plan.Add(lastOfOdd ? PaddingDirection.Symmetric : ForLayer(layer));
        }
    }

    private static void CheckCount(int count, string name)
    {
        if (count is < 0 or > 65_536)
        {
            throw new ArgumentOutOfRangeException(name, count, "A number of layers is between 0 and 65,536.");
        }
    }
}
