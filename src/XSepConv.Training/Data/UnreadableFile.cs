namespace XSepConv.Training;

/// <summary>A picture that can't be read.</summary>
/// <param name="Name">Its path from the data root.</param>
/// <param name="Reason">Why, such as <c>is a WebP file; PNG and JPEG are read</c>.</param>
public sealed record UnreadableFile(string Name, string Reason);

/// <summary>All that can't be read, in one message.</summary>
internal static class UnreadableFiles
{
    private const int MostNamed = 10;

    /// <summary>What is said where they are not to be left out.</summary>
    /// <param name="files">At least one.</param>
    public static InvalidDataException Refusal(string root, IReadOnlyList<UnreadableFile> files, int all)
    {
        const string Advice = "Mend, convert or remove what can't be read, or go without it: --skip-damaged (SkipDamaged in the options)";
        if (files is [var only]) return new($"{Path.Combine(root, only.Name)}: {only.Reason.TrimEnd('.')}. {Advice}.");
        var named = string.Join("; ", files.Take(MostNamed).Select(file => $"{file.Name}: {file.Reason.TrimEnd('.')}"));
        var more = files.Count > MostNamed ? FormattableString.Invariant($"; and {files.Count - MostNamed} more") : "";
        return new(FormattableString.Invariant($"{root}: {files.Count} of {all} pictures can't be read: {named}{more}. {Advice}."));
    }
}
