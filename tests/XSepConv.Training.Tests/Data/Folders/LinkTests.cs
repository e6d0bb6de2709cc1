namespace XSepConv.Training.Tests;

/// <summary>Links: each real file is one image, and what counts is the file, not the link.</summary>
public sealed class LinkTests : IDisposable
{
    private readonly PictureFolder _folder = new PictureFolder().Fill(3, "a", "b");

    public LinkTests()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows lets few users make links.");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_link_to_a_folder_is_a_class_of_the_links_name()
    {
        _folder.Write(_folder.Outside("pool/first/0.png"), Fixture.Bytes("images/rgb.png"));
        for (var i = 1; i < 4; i++) File.Copy(_folder.Outside("pool/first/0.png"), _folder.Outside($"pool/first/{i}.png"));
        _folder.Link("c", _folder.Outside("pool/first"));
        Assert.Equal(["a", "b", "c"], _folder.Open().ClassNames);
    }

    [Theory]
    [InlineData("loop", ".")]
    [InlineData("a/loop", ".")]
    [InlineData("a/up", "..")]
    [InlineData("a/far/up", "../../..")]
    public void A_link_that_leads_back_is_left_out_and_named(string name, string target)
    {
        _folder.Link(name, target);
        var data = _folder.Open();
        Assert.Equal(["a", "b"], data.ClassNames);
        Assert.Equal(6, data.Train.Count + data.Validation.Count + data.Test.Count);
        Assert.Contains(
            data.Findings.LeftOut, left => left.Reason == "link that leads back to a folder it lies in" && left.Examples[0] == name);
    }

    [Fact]
    public async Task Folders_full_of_links_to_each_other_are_looked_through_in_the_end()
    {
        // Of twelve there are more than a hundred million ways through them.
        var names = Enumerable.Range(0, 12).Select(i => $"c{i:00}").ToList();
        _folder.Fill(1, names);
        foreach (var (from, to) in names.SelectMany(from => names.Where(to => to != from).Select(to => (from, to))))
        {
            _folder.Link($"{from}/to {to}", $"../{to}");
        }

        var refusal = Task.Run(() => _folder.Refusal(), TestContext.Current.CancellationToken);
        Assert.Contains(
            "are the same file by a link", await refusal.WaitAsync(
                TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_name_of_a_picture_is_left_out_and_named()
    {
        _folder.Link("a/again.png", "0.png");
        _folder.Link("a/more", _folder.At("b/../a/1.png"));
        File.Move(_folder.At("a/more"), _folder.At("a/more.png"));
        var data = _folder.Open();
        Assert.Equal(6, data.Train.Count + data.Validation.Count + data.Test.Count);
        Assert.Equal(("second name of a picture (a link)", 2), (data.Findings.LeftOut[0].Reason, data.Findings.LeftOut[0].Count));
    }

    [Theory]
    [InlineData("b/same.png", "../a/0.png", "are the same file by a link, of two classes, 'a' and 'b'")]
    [InlineData("c", "a", "are the same file by a link, of two classes, 'a' and 'c'")]
    public void A_file_in_two_classes_is_refused(string name, string target, string reason)
    {
        _folder.Link(name, target);
        Assert.Contains(reason, _folder.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_in_two_splits_is_refused()
    {
        using var folder = new PictureFolder().Fill(3, "train/a", "train/b");
        folder.Link("test", "train");
        Assert.Contains("are the same file by a link, of two splits", folder.Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("b/gone.png", "b/gone.png: is a link to 'nowhere.png', which leads nowhere", "nowhere.png")]
    [InlineData("b/self.jpg", "b/self.jpg: is a link to 'self.jpg', which leads nowhere", "self.jpg")]
    [InlineData("c", "c: is a link to 'nowhere', which leads nowhere. Where a class's folder is due", "nowhere")]
    public void A_link_that_leads_nowhere_is_called_that(string name, string reason, string target)
    {
        _folder.Link(name, target);
        Assert.Contains(reason, _folder.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_data_root_may_be_a_link_but_not_one_to_nowhere()
    {
        File.CreateSymbolicLink(_folder.Outside("link"), _folder.Root);
        Assert.Equal(2, Sets.Open("folder", _folder.Options with { DataRoot = _folder.Outside("link") }).ClassNames.Count);
        File.CreateSymbolicLink(_folder.Outside("dangling"), _folder.Outside("nowhere"));
        var message = Assert.Throws<DirectoryNotFoundException>(
            () => Sets.Open("folder", _folder.Options with { DataRoot = _folder.Outside("dangling") })).Message;
        Assert.Contains("is a link to", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_of_what_a_link_leads_to_is_seen()
    {
        var target = _folder.Outside("pool/picture.png");
        _folder.Write(target, Fixture.Bytes("images/rgb.png"));
        _folder.Link("a/link.png", target);
        var before = Content(_folder.Open());

        // Of the same length, and changed at another time: neither is the link's own.
        var other = Fixture.Bytes("images/palette.png");
        _folder.Write(target, other);
        File.SetLastWriteTimeUtc(target, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.NotEqual(before, Content(_folder.Open()));
    }

    [Fact]
    public void Names_of_classes_are_part_of_what_was_decoded()
    {
        using var folder = new PictureFolder().Fill(3, "train/a", "train/b", "test/a", "test/b");
        folder.Open();
        var before = Directory.GetFiles(folder.Outside("cache/folder"));
        Directory.Move(folder.At("train/b"), folder.At("train/c"));
        Directory.Move(folder.At("test/b"), folder.At("test/c"));
        var data = folder.Open();
        Assert.Equal(["a", "c"], data.ClassNames);
        Assert.NotEqual(before, Directory.GetFiles(folder.Outside("cache/folder")));
    }

    private static byte[] Content(ImageDataset data) => [.. data.Train.ToArray(), .. data.Validation.ToArray(), .. data.Test.ToArray()];
}
