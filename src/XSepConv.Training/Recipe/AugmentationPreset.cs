namespace XSepConv.Training;

/// <summary>
/// Augmentations by name. What leaves a class what it is (moves, mirroring, turns) is the data set's; the rest is the preset's.
/// </summary>
internal static class AugmentationPreset
{
    /// <summary>The name of what is done without a choice: the data set's own moves and mirroring.</summary>
    public const string Default = "light";

    /// <summary>From nothing to much.</summary>
    public static IReadOnlyList<string> Names { get; } = ["none", Default, "standard", "strong"];

    /// <summary>The augmentation of a preset for a data set.</summary>
    /// <param name="name">
    /// <c>none</c>; <c>light</c>, the set's own; <c>standard</c>, also colours by 20 % and a part erased from every fourth image;
    /// <c>strong</c>, also two random operations of strength 0.3 instead of the colours, and mixup with α = 0.2.
    /// </param>
    /// <exception cref="ArgumentException">The name is none of <see cref="Names"/>.</exception>
    public static Augmentation For(string name, ImageDataset data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return name switch
        {
            "none" => Augmentation.None,
            Default => data.Augmentation,
            "standard" => data.Augmentation with { ColorJitter = 0.2, Erasing = 0.25 },
            "strong" => data.Augmentation with { PolicyOperations = 2, PolicyMagnitude = 0.3, Erasing = 0.25, Mixup = 0.2 },
            _ => throw new ArgumentException($"There is no augmentation '{name}'; known are {string.Join(", ", Names)}.", nameof(name)),
        };
    }
}
