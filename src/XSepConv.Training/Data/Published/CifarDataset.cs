namespace XSepConv.Training;

/// <summary>
/// CIFAR-10 and CIFAR-100 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009), the binary version.
/// </summary>
internal sealed record CifarDataset(string Name, CifarArchive Layout, PublishedFile File)
    : CachedDataset(
        Name,
        new Augmentation(CropPadding: 4, HorizontalFlip: true),
        [new("https://www.cs.toronto.edu/~kriz/")],
        [File],
        CifarArchive.Side)
{
    /// <summary>Ten classes; 50,000 training and 10,000 test images.</summary>
    public static CifarDataset Ten { get; } = new("cifar-10", CifarArchive.Ten, new(
        "cifar-10-binary.tar.gz", 170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", "cifar-10-batches-bin"));

    /// <summary>A hundred classes; 50,000 training and 10,000 test images.</summary>
    public static CifarDataset Hundred { get; } = new("cifar-100", CifarArchive.Hundred, new(
        "cifar-100-binary.tar.gz", 168_513_733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", "cifar-100-binary"));

    protected override IReadOnlyList<string> Decode(IReadOnlyList<string> paths, ImageFileWriter writer)
    {
        var path = paths[0];
        if (Directory.Exists(path)) return Layout.Decode(Archive.Folder(path), path, writer);
        using var file = RegularFile.OpenRead(path);
        return Layout.Decode(Archive.TarGz(file, path), path, writer);
    }
}
