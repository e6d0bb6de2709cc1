namespace XSepConv.Training;

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

    public IReadOnlyList<LeftOutFiles> ToList() =>
        [.. _reasons.Select(reason => new LeftOutFiles(reason.Key, reason.Value.Count, reason.Value.Examples))];
}
