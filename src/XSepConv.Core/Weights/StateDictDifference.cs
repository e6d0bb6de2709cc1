namespace XSepConv;

/// <summary>What a load left aside, or did beyond copying.</summary>
/// <param name="MissingKeys">
/// Keys of the module that the file lacks; these tensors keep their values. After a strict load only <c>num_batches_tracked</c>, which
/// files of old versions of PyTorch and of converters lack.
/// </param>
/// <param name="UnexpectedKeys">Keys of the file that the module lacks.</param>
public sealed record StateDictDifference(IReadOnlyList<string> MissingKeys, IReadOnlyList<string> UnexpectedKeys)
{
    /// <summary>
    /// Keys whose tensors in the file have another shape than the module's, which keep their values: only with
    /// <see cref="SafeTensorsLoadOptions.IgnoreMismatchedSizes"/>.
    /// </summary>
    public IReadOnlyList<string> MismatchedKeys { get; init; } = [];

    /// <summary>
    /// Keys of integers, such as <c>num_batches_tracked</c>, that the file holds as floating-point numbers; all of them were whole.
    /// </summary>
    public IReadOnlyList<string> ConvertedKeys { get; init; } = [];

    /// <summary>Normalisations that have the file's <c>eps</c> and <c>momentum</c> now instead of others, in words.</summary>
    public IReadOnlyList<string> ChangedSettings { get; init; } = [];

    /// <summary>
    /// Where the file's blocks were built otherwise than the module's, in words, such as another padding: a strict load refuses that.
    /// </summary>
    public IReadOnlyList<string> DifferentSettings { get; init; } = [];
}
