namespace XSepConv.Cli.Options;

/// <summary>How a command takes images where nothing is typed, in the words of its help.</summary>
/// <param name="Size">Rows and columns of a folder's pictures.</param>
/// <param name="Background">What see-through pixels are laid on.</param>
/// <param name="Limit">How many there are of a split.</param>
internal sealed record UsualImages(string Size, string Background, string Limit = "all")
{
    /// <summary>As the set itself has them.</summary>
    public static UsualImages Own { get; } = new("their own size where all have one (at most 224), else 64", "white");

    /// <summary>As a trained network had them.</summary>
    public static UsualImages OfCheckpoint { get; } =
        new("those of the checkpoint", "the colour of the checkpoint; where it has none, alpha is dropped");

    /// <summary>As the set itself has them, but where a network is trained on.</summary>
    public static UsualImages OwnOrInit { get; } =
        new($"{Own.Size}; with --init those of the checkpoint", $"{Own.Background}; with --init {OfCheckpoint.Background}");
}
