namespace XSepConv;

/// <summary>How a module's tensors become a file's.</summary>
public sealed record SafeTensorsSaveOptions
{
    /// <summary>
    /// The type of the weights: <see cref="SafeTensorType.F32"/>, or <see cref="SafeTensorType.BF16"/> or
    /// <see cref="SafeTensorType.F16"/>, of half the bytes, or <see cref="SafeTensorType.I8"/>; null for the module's own. Each is rounded
    /// to the nearest, ties to even. What has one dimension or none stays F32: biases, and what normalisations multiply by, add and count.
    /// </summary>
    /// <remarks>
    /// I8 are the weights of linear layers and 1×1 convolutions of more than four inputs; the others are F32. A weight is its integer times
    /// its output's scale, the largest weight of that output / 127. The scales of <c>NAME</c> are the F32 tensor <c>NAME_scale</c> of shape
    /// [outputs, 1, …]; the metadata's <c>xsepconv.int8</c> says so, and whatever here reads weights multiplies them.
    /// </remarks>
    public SafeTensorType? Dtype { get; init; }

    /// <summary>
    /// Entries for the file's metadata; <c>format</c> is set to <c>pt</c>, as PyTorch's tools expect. None at first.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}
