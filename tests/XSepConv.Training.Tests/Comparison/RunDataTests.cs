namespace XSepConv.Training.Tests.Comparison;

/// <summary>The runs of a comparison learn the same images, whenever they are begun.</summary>
[Collection(TorchTests.Name)]
public sealed class RunDataTests : IDisposable
{
    private static readonly IReadOnlyList<ComparedNetwork> Networks = ComparedNetwork.Twins(
        (_, _) => (TorchTests.Spec(classes: 2), TorchTests.Spec(classes: 2) with
        {
            Name = "twin",
            Blocks = [.. TorchTests.Spec().Blocks.Select(block => block with { Kind = BlockKind.Dw })]
        }), [1], []);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_picture_that_is_another_or_new_is_refused_in_every_seed()
    {
        using var pictures = new PictureFolder().Fill(9, "left", "right");
        var manifest = Manifest(pictures.Open(), pictures.Options);
        var folder = Begin(manifest);
        Assert.True(Execute(manifest.Runs.First()));

        // One that is learned from: the test images are chosen by their names, and 4 is none of them.
        var picture = pictures.At("left/4.png");
        var before = File.ReadAllBytes(picture);
        pictures.Put("left/4.png");
        foreach (var run in manifest.Runs.Skip(1)) Refused(run, "test images: 2 of 3×8×8, ");

        pictures.Write("left/4.png", before);
        pictures.Put("right/9.png");
        foreach (var run in manifest.Runs.Skip(1)) Refused(run, "training images: 14 of 3×8×8");

        File.Delete(pictures.At("right/9.png"));
        foreach (var run in manifest.Runs.Skip(1)) Assert.True(Execute(run));

        bool Execute(ComparedRun run) => RunExecution.Execute(
            folder, manifest, run, Sets.Open("folder", pictures.Options with { Seed = run.Seed }), ownProcess: false, null,
            TestContext.Current.CancellationToken);

        void Refused(ComparedRun run, string difference)
        {
            var message = Assert.Throws<TrainingRefusedException>(() => Execute(run)).Message;
            foreach (var part in new[] { pictures.Root, "the images have changed since the comparison began", run.Id, difference })
            {
                Assert.Contains(part, message, StringComparison.Ordinal);
            }

            Assert.False(Directory.Exists(folder.RunPath(run)), run.Id);
        }
    }

    /// <summary>Nothing but the other run of a seed says what its training images were, where they are not kept decoded.</summary>
    [Fact]
    public void A_pair_of_runs_learns_the_same_images_where_only_its_first_knows_them()
    {
        var manifest = Manifest(InMemory(0), new());
        var folder = Begin(manifest);
        var runs = manifest.Runs.ToArray();
        Refused(runs[0], InMemory(0, changed: true), "training images: 10 of 3×8×8");
        Assert.True(Execute(runs[0], InMemory(0)));
        Refused(runs[1], InMemory(0, changed: true), "training images: 10 of 3×8×8");
        Assert.True(Execute(runs[1], InMemory(0)));
        Assert.True(Execute(runs[2], InMemory(1)));
        Refused(runs[3], InMemory(1, changed: true), "training images: 10 of 3×8×8");
        Assert.True(Execute(runs[3], InMemory(1)));

        bool Execute(ComparedRun run, ImageDataset images) => RunExecution.Execute(
            folder, manifest, run, images, ownProcess: false, null, TestContext.Current.CancellationToken);

        void Refused(ComparedRun run, ImageDataset images, string difference) => Assert.Contains(
            difference, Assert.Throws<TrainingRefusedException>(() => Execute(run, images)).Message, StringComparison.Ordinal);
    }

    private static ComparisonManifest Manifest(ImageDataset images, DatasetOptions opened) => ComparisonManifest.Of(
        "compare", "xsepconv compare", images, opened, new()
        {
            Network = Networks[0].Spec,
            OutputDirectory = "",
            Recipe = new() { Epochs = 1, BatchSize = 4, LearningRate = 0.02 },
            Threads = 1,
            Device = "cpu",
            Workers = 0,
        }, Networks, seeds: 2);

    /// <summary>Ten images to learn from, which depend on the seed; the others do not.</summary>
    private static ImageDataset InMemory(int seed, bool changed = false)
    {
        return new("by hand", ["left", "right"], Split(10, (byte)(seed + 1), changed), Split(4, 50), Split(4, 60));

        static ImageSplit Split(int count, byte first, bool changed = false)
        {
            var pixels = Enumerable.Range(0, count * 3 * 8 * 8).Select(i => (byte)(first + (7 * i))).ToArray();
            if (changed) pixels[5]++;
            return new(pixels, Enumerable.Range(0, count).Select(i => i % 2).ToArray(), 3, 8, 8);
        }
    }

    private ComparisonFolder Begin(ComparisonManifest manifest)
    {
        var folder = new ComparisonFolder(_folder.At("run"));
        folder.Begin(manifest);
        return folder;
    }
}
