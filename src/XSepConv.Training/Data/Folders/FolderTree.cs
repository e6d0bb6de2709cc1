namespace XSepConv.Training;

/// <summary>A picture file below a data root.</summary>
/// <param name="Name">Its path from the data root, with forward slashes.</param>
/// <param name="RealPath">The file itself, links resolved.</param>
/// <param name="Changed">When it was changed last.</param>
/// <param name="Problem">Why it can't be read; null where that is not known before it is tried.</param>
internal sealed record PictureFile(string Name, string RealPath, long Length, DateTime Changed, string? Problem = null)
{
    private string? _sample;

    /// <summary>Of its bytes: see <see cref="FileSample"/>.</summary>
    public string Sample => _sample ??= FileSample.Of(RealPath);
}

/// <summary>A folder below a data root and what is in it.</summary>
/// <param name="realPath">Links resolved.</param>
internal sealed class FolderTree(string name, string path, string realPath)
{
    private bool? _holdsPictures;

    public string Name { get; } = name;

    public string FullName { get; } = path;

    public string RealPath { get; } = realPath;

    /// <summary>In ordinal order of their names.</summary>
    public List<FolderTree> Folders { get; } = [];

    /// <summary>Directly in it, those of kinds that are not read included.</summary>
    public List<PictureFile> Pictures { get; } = [];

    /// <summary>Whether there are any at any depth. Known once it is filled.</summary>
    public bool HoldsPictures => _holdsPictures ??= Pictures.Count > 0 || Folders.Exists(folder => folder.HoldsPictures);

    public List<FolderTree> WithPictures => Folders.FindAll(folder => folder.HoldsPictures);

    public IEnumerable<PictureFile> AllPictures() => Pictures.Concat(Folders.SelectMany(folder => folder.AllPictures()));
}
