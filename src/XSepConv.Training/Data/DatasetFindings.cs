namespace XSepConv.Training;

/// <summary>How many images of a class there are.</summary>
/// <param name="Train">To learn from.</param>
/// <param name="Validation">To pick the best epoch by.</param>
/// <param name="Test">To measure on at the end.</param>
internal sealed record ClassCount(string Name, int Train, int Validation, int Test);

/// <summary>What was found besides the images of a data set.</summary>
public sealed record DatasetFindings
{
    /// <summary>Nothing.</summary>
    public static DatasetFindings None { get; } = new();

    /// <summary>Files that are not among the images, and why.</summary>
    public IReadOnlyList<LeftOutFiles> LeftOut { get; init; } = [];

    /// <summary>Pictures that can't be read and were left out because <see cref="DatasetOptions.SkipDamaged"/> says so.</summary>
    public IReadOnlyList<UnreadableFile> Skipped { get; init; } = [];

    /// <summary>What the user ought to know: equal pictures in several splits, classes that a split lacks.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
