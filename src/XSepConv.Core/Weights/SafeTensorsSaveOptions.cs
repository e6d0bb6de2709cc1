namespace XSepConv;

/// <summary>How a module's tensors become a file's.</summary>
public sealed record SafeTensorsSaveOptions
{
    /// <summary>
    /// The type of the weights: <see cref="SafeTensorType.F32"/>, or <see cref="SafeTensorType.BF16"/> or
    /// <see cref="SafeTensorType.F16"/>, of half the bytes; null for the module's own. Each is rounded to the nearest, ties to even. What
    /// has one dimension or none stays F32: biases, and what normalisations multiply by, add and count.
    /// </summary>
    public SafeTensorType? Dtype { get; init; }

    /// <summary>
    /// Entries for the file's metadata; <c>format</c> is set to <c>pt</c>, as PyTorch's tools expect. None at first.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}
