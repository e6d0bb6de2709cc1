namespace XSepConv.Training;

/// <summary>Files of a data root that are not among its images, for one reason.</summary>
/// <param name="Reason">Such as <c>.txt, no picture</c>.</param>
/// <param name="Count">How many.</param>
/// <param name="Examples">The first of them, from the data root.</param>
public sealed record LeftOutFiles(string Reason, int Count, IReadOnlyList<string> Examples)
{
    /// <summary>How many are named.</summary>
    internal const int MostExamples = 3;

    /// <inheritdoc/>
    public override string ToString() =>
        FormattableString.Invariant($"{Count} × {Reason}: {string.Join(", ", Examples)}{(Count > Examples.Count ? ", …" : "")}");
}

/// <summary>Collects what is left out.</summary>
internal sealed class LeftOutList
{
    private readonly Dictionary<string, (int Count, List<string> Examples)> _reasons = new(StringComparer.Ordinal);

    public void Add(string reason, string name)
    {
        var (count, examples) = _reasons.TryGetValue(reason, out var known) ? known : (0, []);
        if (examples.Count < LeftOutFiles.MostExamples) examples.Add(name);
        _reasons[reason] = (count + 1, examples);
    }

    public void Add(string reason, IEnumerable<PictureFile> pictures)
    {
        foreach (var picture in pictures) Add(reason, picture.Name);
    }

    public IReadOnlyList<LeftOutFiles> ToList() => [.. _reasons.Select(reason => new LeftOutFiles(reason.Key, reason.Value.Count, reason.Value.Examples))];
}
