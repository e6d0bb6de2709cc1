namespace XSepConv.Training;

/// <summary>
/// Street View House Numbers (Netzer, Wang, Coates, Bissacco, Wu, Ng, "Reading Digits in Natural Images with Unsupervised Feature
/// Learning", 2011), cropped digits. A mirrored digit is no digit.
/// </summary>
internal sealed record SvhnDataset(string Name, IReadOnlyList<PublishedFile> Files)
    : CachedDataset(
        Name,
        new Augmentation(CropPadding: 2, HorizontalFlip: false) { LargestRotation = 15 },
        [new("http://ufldl.stanford.edu/housenumbers/")],
        Files,
        SvhnFile.Side)
{
    private static readonly PublishedFile Train = new(
        "train_32x32.mat", 182_040_794, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8");
    private static readonly PublishedFile Extra = new(
        "extra_32x32.mat", 1_329_278_602, "a133a4beb38a00fcdda90c9489e0c04f900b660ce8a316a5e854838379a71eb3");
    private static readonly PublishedFile Test = new(
        "test_32x32.mat", 64_275_384, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b");

    /// <summary>73,257 training and 26,032 test images.</summary>
    public static SvhnDataset Standard { get; } = new("svhn", [Train, Test]) { FolderName = "svhn" };

    /// <summary>With the 531,131 extra images to learn from as well.</summary>
    public static SvhnDataset WithExtra { get; } = new("svhn-extra", [Train, Extra, Test]) { FolderName = "svhn" };

    protected override IReadOnlyList<string> Decode(IReadOnlyList<string> paths, ImageFileWriter writer)
    {
        foreach (var path in paths)
        {
            using var file = RegularFile.OpenRead(path);
            using var buffered = new BufferedStream(file, 1 << 16);
            SvhnFile.Decode(buffered, path, path == paths[^1] ? SplitKind.Test : SplitKind.Train, writer);
        }

        return ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    }
}
