namespace XSepConv.Training;

/// <summary>
/// Tiny-ImageNet-200 (Stanford's CS231n): 200 classes of ImageNet, 500 training and 50 validation images each, which are the test images
/// here.
/// </summary>
internal sealed record TinyImageNetDataset()
    : CachedDataset(
        "tiny-imagenet",
        new Augmentation(CropPadding: 4, HorizontalFlip: true),
        [new("http://cs231n.stanford.edu/")],
        [new("tiny-imagenet-200.zip", 248_100_043, "90528d7ca1a48142e341f4ef8d21d0de", "tiny-imagenet-200")],
        TinyImageNetArchive.Side)
{
    protected override IReadOnlyList<string> Decode(IReadOnlyList<string> paths, ImageFileWriter writer)
    {
        var path = paths[0];
        if (Directory.Exists(path)) return TinyImageNetArchive.Decode([.. Archive.Folder(path)], path, writer);
        using var file = RegularFile.OpenRead(path);
        using var zip = Archive.OpenZip(file, path);
        return TinyImageNetArchive.Decode([.. Archive.Entries(zip, path)], path, writer);
    }
}
