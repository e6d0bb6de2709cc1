namespace XSepConv.Training;

/// <summary>Files of a data root that are not among its images, for one reason.</summary>
/// <param name="Reason">Such as <c>.txt, no picture</c>.</param>
/// <param name="Count">How many.</param>
/// <param name="Examples">The first of them, from the data root.</param>
public sealed record LeftOutFiles(string Reason, int Count, IReadOnlyList<string> Examples)
{
    internal const int MostExamples = 3;

    /// <inheritdoc/>
    public override string ToString() =>
        FormattableString.Invariant($"{Count} × {Reason}: {string.Join(", ", Examples)}{(Count > Examples.Count ? ", …" : "")}");
}
