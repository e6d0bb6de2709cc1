namespace XSepConv.Training.Tests;

/// <summary>A limit draws evenly over classes, however the files of a set are sorted.</summary>
public sealed class LimitTests : IDisposable
{
    private const int Classes = 5;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private DatasetOptions Options =>
        new()
        {
            DataRoot = _folder.Path,
            CacheDirectory = _folder.At("cache"),
            SystemDirectory = _folder.At("system"),
            AllowDownload = false
        };

    [Theory]
    [InlineData("mnist")]
    [InlineData("folder")]
    [InlineData("split folder")]
    public void Sorted_labels_are_drawn_from_evenly_and_a_constant_answer_is_no_good(string set)
    {
        var data = Open(set, 20, 1);
        foreach (var split in new[] { data.Train, data.Validation, data.Test })
        {
            var counts = Counts(split);
            Assert.Equal(Classes, counts.Length);
            Assert.All(counts, count => Assert.InRange(count, split.Count / Classes, (split.Count + Classes - 1) / Classes));

            // An answer that is always the same is right for one class of five, and at most one image more of it than of others.
            Assert.InRange((double)counts.Max() / split.Count, 1.0 / Classes, (1.0 / Classes) + (1.0 / split.Count));
        }

        Assert.Equal((20, 20), (data.Train.Count, data.Test.Count));
    }

    [Theory]
    [InlineData("mnist")]
    [InlineData("folder")]
    [InlineData("split folder")]
    public void The_same_seed_draws_the_same_images_and_the_test_images_are_those_of_every_seed(string set)
    {
        var (first, again, other) = (Open(set, 10, 1), Open(set, 10, 1), Open(set, 10, 2));
        Assert.Equal(first.Train.Fingerprint(), again.Train.Fingerprint());
        Assert.Equal(first.Validation.Fingerprint(), again.Validation.Fingerprint());
        Assert.Equal(first.Test.Fingerprint(), again.Test.Fingerprint());
        Assert.NotEqual(first.Train.Fingerprint(), other.Train.Fingerprint());
        Assert.Equal(first.Test.Fingerprint(), other.Test.Fingerprint());
    }

    [Fact]
    public void A_class_that_runs_out_leaves_its_turns_to_the_others()
    {
        // Worked by hand: labels 0 0 0 0 1 2 2, in the order given; turns are (0 1 2 3), (0), (0 1). Five of seven: the three firsts, then
        // the seconds of 0 and 2.
        int[] labels = [0, 0, 0, 0, 1, 2, 2];
        Assert.Equal([0, 1, 4, 5, 6], BalancedSubset.Of(labels, [0, 1, 2, 3, 4, 5, 6], 5));
        Assert.Equal([6, 3, 2, 4, 5], BalancedSubset.Of(labels, [6, 3, 2, 1, 4, 0, 5], 5));
        Assert.Equal([6, 3], BalancedSubset.Of(labels, [6, 3, 2, 1, 4, 0, 5], 2));
        Assert.Equal([6, 3, 2, 1, 4, 0, 5], BalancedSubset.Of(labels, [6, 3, 2, 1, 4, 0, 5], null));
    }

    private static int[] Counts(ImageSplit split) =>
        [.. Enumerable.Range(0, Classes).Select(label => split.Labels.ToArray().Count(l => l == label))];

    private ImageDataset Open(string set, int limit, int seed)
    {
        if (!Directory.Exists(_folder.At("mnist"))) WriteAll();
        var options = Options with { Limit = limit, Seed = seed };
        return set switch
        {
            "folder" => Sets.Open("folder", options with { DataRoot = _folder.At("flat"), ImageSize = 8 }),
            "split folder" => Sets.Open("folder", options with { DataRoot = _folder.At("splits"), ImageSize = 8 }),
            _ => Sets.Open(set, options),
        };
    }

    /// <summary>Files sorted by class, as published and as named: all of the first class, then all of the second, and so on.</summary>
    private void WriteAll()
    {
        Directory.CreateDirectory(_folder.At("mnist"));
        Idx("train", 1_200);
        Idx("t10k", 100);
        for (var label = 0; label < Classes; label++)
        {
            for (var i = 0; i < 120; i++) Picture($"flat/{label}/{i:000}.png");
            for (var i = 0; i < 120; i++) Picture($"splits/train/{label}/{i:000}.png");
            for (var i = 0; i < 20; i++) Picture($"splits/test/{label}/{i:000}.png");
        }

        void Idx(string name, int count)
        {
            File.WriteAllBytes(_folder.At($"mnist/{name}-images-idx3-ubyte.gz"), IdxBytes.Gzip(IdxBytes.Images(count, 8, 8)));
            File.WriteAllBytes(
                _folder.At($"mnist/{name}-labels-idx1-ubyte.gz"), IdxBytes.Gzip(
                    IdxBytes.Labels([.. Enumerable.Range(0, count).Select(i => (byte)(i / (count / Classes)))])));
        }

        void Picture(string name)
        {
            var path = _folder.At(name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Copy(Fixture.At("images/rgb.png"), path);
        }
    }
}
