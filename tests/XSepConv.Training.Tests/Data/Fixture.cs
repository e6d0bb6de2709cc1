namespace XSepConv.Training.Tests;

/// <summary>Files that other tools made: <c>Fixtures/generate.py</c>.</summary>
internal static class Fixture
{
    private static readonly string Root = Find();

    public static string At(string name) => Path.Combine(Root, name);

    public static byte[] Bytes(string name) => File.ReadAllBytes(At(name));

    /// <summary>Decodes into a file of its own, and maps that.</summary>
    public static MappedImages Decode(TemporaryFolder folder, int side, Func<ImageFileWriter, IReadOnlyList<string>> decode) =>
        DecodedCache.Open(
            folder.At(Guid.NewGuid().ToString("N")), "place", new string('a', 64), (3, side, side), "file", decode, null,
            TestContext.Current.CancellationToken);

    /// <summary>The labels of all images, one byte each, then all pixels.</summary>
    public static byte[] Content(MappedImages images)
    {
        var bytes = new List<byte>(images.Labels.Select(label => (byte)label));
        for (var i = 0; i < images.Labels.Length; i++) bytes.AddRange(images.Image(i));
        return [.. bytes];
    }

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "XSepConv.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("There is no checkout above the tests.");
        }

        return Path.Combine(folder.FullName, "tests", "XSepConv.Training.Tests", "Data", "Fixtures");
    }
}
