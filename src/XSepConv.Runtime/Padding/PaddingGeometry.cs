namespace XSepConv;

/// <summary>What a <see cref="PaddingDirection"/> means in rows, columns and channels.</summary>
internal static class PaddingGeometry
{
    /// <summary>The order in which <see cref="PaddingDirection.Symmetric"/> pads its four channel groups.</summary>
    public static ReadOnlySpan<PaddingDirection> SymmetricOrder =>
        [PaddingDirection.LeftTop, PaddingDirection.LeftBottom, PaddingDirection.RightTop, PaddingDirection.RightBottom];

    /// <summary>Whether the column of zeros is on the left.</summary>
    public static bool IsLeft(this PaddingDirection direction) => direction switch
    {
        PaddingDirection.LeftTop or PaddingDirection.LeftBottom => true,
        PaddingDirection.RightTop or PaddingDirection.RightBottom => false,
        _ => throw OneSidedOnly(direction),
    };

    public static bool IsTop(this PaddingDirection direction) => direction switch
    {
        PaddingDirection.LeftTop or PaddingDirection.RightTop => true,
        PaddingDirection.LeftBottom or PaddingDirection.RightBottom => false,
        _ => throw OneSidedOnly(direction),
    };

    /// <summary>
    /// The sizes of the four channel groups of <see cref="PaddingDirection.Symmetric"/>: larger ones first, some empty below four channels.
    /// </summary>
    public static (int First, int Second, int Third, int Fourth) SymmetricGroups(int channels) =>
        ((channels + 3) / 4, (channels + 2) / 4, (channels + 1) / 4, channels / 4);

    /// <summary>The one-sided padding that one channel of a layer gets.</summary>
    public static PaddingDirection ForChannel(this PaddingDirection direction, int channel, int channels)
    {
        if (direction != PaddingDirection.Symmetric) return direction;
        var (first, second, third, _) = SymmetricGroups(channels);
        if (channel < first) return SymmetricOrder[0];
        if (channel < first + second) return SymmetricOrder[1];
        return channel < first + second + third ? SymmetricOrder[2] : SymmetricOrder[3];
    }

    /// <summary>Where the content moves.</summary>
    public static string Arrow(this PaddingDirection direction) => direction switch
    {
        PaddingDirection.RightBottom => "↖",
        PaddingDirection.LeftTop => "↘",
        PaddingDirection.LeftBottom => "↗",
        PaddingDirection.RightTop => "↙",
        _ => "·",
    };

    private static ArgumentOutOfRangeException OneSidedOnly(PaddingDirection direction) =>
        new(
            nameof(direction), direction,
            "Only RightBottom, LeftTop, LeftBottom and RightTop have a side; Symmetric has one for each channel group.");
}
