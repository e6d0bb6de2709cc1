namespace XSepConv.Training.Tests;

/// <summary>What a run writes among the folders of its images would be read as a class by whoever opens them next.</summary>
public sealed class OutputAmongImagesTests : IDisposable
{
    private readonly PictureFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(FolderLayout.Auto, "runs/one", true)]
    [InlineData(FolderLayout.Auto, ".", true)]
    [InlineData(FolderLayout.Flat, "train/../a/run/", true)]
    [InlineData(FolderLayout.Auto, "../runs", false)]
    [InlineData(FolderLayout.Auto, ".runs/one", false)]
    [InlineData(FolderLayout.Splits, "train/run", true)]
    [InlineData(FolderLayout.Splits, "runs/one", true)]
    public void Folders_are_read_below_the_root_unless_they_are_hidden(FolderLayout layout, string folder, bool isRead)
    {
        _folder.Fill(3, "a", "b");
        Assert.Equal(isRead, FolderDataset.Reads(_folder.Root, layout, Path.Combine(_folder.Root, folder)));
        Assert.False(FolderDataset.Reads(Path.Combine(_folder.Root, "none"), layout, Path.Combine(_folder.Root, "none", "run")));
    }

    [Fact]
    public void Beside_splits_nothing_is_read_where_only_splits_are()
    {
        _folder.Fill(3, "train/a", "train/b", "val/a", "val/b");
        Assert.False(FolderDataset.Reads(_folder.Root, FolderLayout.Splits, Path.Combine(_folder.Root, "runs")));
        Assert.True(FolderDataset.Reads(_folder.Root, FolderLayout.Splits, Path.Combine(_folder.Root, "train", "runs")));
        Assert.True(FolderDataset.Reads(_folder.Root, FolderLayout.Auto, Path.Combine(_folder.Root, "runs")));
    }

    [Fact]
    public void A_link_to_the_images_is_seen_through()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights there.");
        _folder.Fill(3, "a", "b");
        using var elsewhere = new TemporaryFolder();
        Directory.CreateSymbolicLink(elsewhere.At("link"), _folder.Root);
        Assert.True(FolderDataset.Reads(_folder.Root, FolderLayout.Auto, elsewhere.At("link/runs/one")));
        Assert.True(FolderDataset.Reads(elsewhere.At("link"), FolderLayout.Auto, Path.Combine(_folder.Root, "runs")));
        Assert.False(FolderDataset.Reads(elsewhere.At("link"), FolderLayout.Auto, elsewhere.At("runs")));
    }

    [Fact]
    public void The_trainer_refuses_it_too()
    {
        _folder.Fill(3, "a", "b");
        var data = _folder.Open();
        var output = Path.Combine(_folder.Root, "runs");
        var options = new TrainingOptions { Network = TorchTests.Spec(2), OutputDirectory = output };
        Assert.Contains(
            $"the output directory is '{output}', which lies in {_folder.Root}",
            Assert.Throws<ArgumentException>(() => options.Validate(data)).Message, StringComparison.Ordinal);
        (options with { OutputDirectory = Path.Combine(_folder.Root, ".runs") }).Validate(data);
    }
}
