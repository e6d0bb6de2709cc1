namespace XSepConv;

/// <summary>How a file's tensors become a module's.</summary>
public sealed record SafeTensorsLoadOptions
{
    /// <summary>
    /// Whether missing and unexpected keys, and blocks that were built otherwise, are errors. Wrong types always are, and wrong shapes
    /// but for <see cref="IgnoreMismatchedSizes"/>.
    /// </summary>
    public bool Strict { get; init; } = true;

    /// <summary>
    /// Whether tensors of another shape than the module's, such as those of a classifier of other classes, are left out instead of
    /// refused; <see cref="StateDictDifference.MismatchedKeys"/> names them.
    /// </summary>
    public bool IgnoreMismatchedSizes { get; init; }

    /// <summary>
    /// What is taken off the file's keys, such as <c>module.</c> of PyTorch's DataParallel; keys that do not begin so stay as they are.
    /// Nothing at first.
    /// </summary>
    public string Prefix { get; init; } = "";

    /// <summary>The module's key for a key of the file, without <see cref="Prefix"/>; null leaves a tensor out. None at first.</summary>
    public Func<string, string?>? Rename { get; init; }
}
