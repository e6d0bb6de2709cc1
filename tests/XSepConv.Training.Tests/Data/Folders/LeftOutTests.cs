using System.Text;

namespace XSepConv.Training.Tests;

/// <summary>What is no picture that can be read: never skipped in silence, and never opened where that would wait.</summary>
public sealed class LeftOutTests : IDisposable
{
    private readonly PictureFolder _folder = new PictureFolder().Fill(3, "a", "b");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(".jfif")]
    [InlineData(".jpe")]
    [InlineData(".JPEG")]
    [InlineData(".Jpg")]
    public void A_JPEG_file_is_read_by_all_of_its_names(string extension)
    {
        _folder.Write("a/more" + extension, Fixture.Bytes("images/baseline.jpg"));
        Assert.Equal(7, Count(_folder.Open()));
    }

    [Theory]
    [InlineData("x.webp", "RIFF\u0010\0\0\0WEBPVP8 ", "is a WebP file")]
    [InlineData("x.GIF", "GIF89a", "is a GIF file")]
    [InlineData("x.bmp", "BM", "is a BMP file")]
    [InlineData("x.tiff", "II*\0", "is a TIFF file")]
    [InlineData("x.heic", "", "is empty")]
    [InlineData("x.avif", "x", "is a AVIF file")]
    [InlineData("x.jp2", "x", "is a JPEG 2000 file")]
    [InlineData("x.svg", "<svg/>", "is a SVG file")]
    [InlineData("x", "GIF89a", "is a GIF file that is not called so")]
    [InlineData("x.dat", "RIFF\u0010\0\0\0WEBPVP8 ", "is a WebP file that is not called so")]
    [InlineData("x.image", "\u00FF\u00D8\u00FF\u00E0", "is a JPEG file that is not called so; rename it to .jpeg")]
    [InlineData("x.png", "", "is empty")]
    [InlineData("x.jpg", "no image", "is neither a PNG nor a JPEG file")]
    public void A_picture_that_is_not_read_is_named_and_can_be_gone_without(string name, string content, string reason)
    {
        _folder.Write("b/" + name, Encoding.Latin1.GetBytes(content));
        var message = _folder.Refusal();
        Assert.StartsWith($"{_folder.At("b/" + name)}: {reason}", message, StringComparison.Ordinal);
        Assert.Contains("--skip-damaged", message, StringComparison.Ordinal);

        var data = _folder.Open(skipDamaged: true);
        Assert.Equal(6, Count(data));
        var skipped = Assert.Single(data.Findings.Skipped);
        Assert.Equal("b/" + name, skipped.Name);
        Assert.StartsWith(reason, skipped.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_can_not_be_read_is_in_one_list()
    {
        _folder.Put("c/0.png", "c/1.png", "c/2.png");
        for (var i = 0; i < 12; i++) _folder.Write($"{"abc"[i % 3]}/damaged{i:00}.jpg", "no image"u8.ToArray());
        _folder.Write("c/x.webp", [1]);
        var message = _folder.Refusal();
        Assert.StartsWith(
            $"{_folder.Root}: 13 of 22 pictures can't be read: c/x.webp: is a WebP file; PNG and JPEG are read; "
            + "a/damaged00.jpg: is neither", message, StringComparison.Ordinal);
        Assert.Contains("; and 3 more. Mend", message, StringComparison.Ordinal);
        Assert.Equal(10, message.Split("neither").Length);
    }

    [Fact]
    public void What_a_run_went_without_is_kept_with_the_images_and_refused_where_it_is_not_wanted()
    {
        _folder.Write("b/x.jpg", "no image"u8.ToArray());
        var first = _folder.Open(skipDamaged: true);
        var cached = Assert.Single(Directory.GetFiles(_folder.Outside("cache/folder")));
        var written = File.GetLastWriteTimeUtc(cached);
        var again = _folder.Open(skipDamaged: true);
        Assert.Equal(written, File.GetLastWriteTimeUtc(cached));
        Assert.Equal(first.Findings.Skipped, again.Findings.Skipped);
        Assert.Equal(first.Train.Fingerprint(), again.Train.Fingerprint());
        Assert.Contains("b/x.jpg: is neither", _folder.Refusal(), StringComparison.Ordinal);

        // A run that was begun with it says so in its settings, and can't be resumed without.
        var settings = first.Settings.ToDictionary(setting => setting.Name, setting => setting.Value);
        Assert.StartsWith("1, ", settings["pictures left out"], StringComparison.Ordinal);
        File.Delete(_folder.At("b/x.jpg"));
        Assert.DoesNotContain("pictures left out", _folder.Open().Settings.Select(setting => setting.Name));
    }

    // Neither its length nor its time says that a file can be read again.
    [Fact]
    public void A_picture_that_could_not_be_read_for_a_while_is_there_again_when_it_can()
    {
        _folder.Put("b/3.png").Write("b/x.jpg", "no image"u8.ToArray());
        var cached = "";
        using (new FileStream(_folder.At("b/1.png"), FileMode.Open, FileAccess.Read, FileShare.None))
        {
            var without = _folder.Open(skipDamaged: true);
            Assert.Equal(6, Count(without));
            Assert.Equal(["b/1.png", "b/x.jpg"], without.Findings.Skipped.Select(file => file.Name));

            // As long as it can't be read, nothing is decoded anew.
            cached = Assert.Single(Directory.GetFiles(_folder.Outside("cache/folder")));
            var written = File.GetLastWriteTimeUtc(cached);
            Assert.Equal(6, Count(_folder.Open(skipDamaged: true)));
            Assert.Equal(written, File.GetLastWriteTimeUtc(cached));
        }

        var with = _folder.Open(skipDamaged: true);
        Assert.Equal(7, Count(with));
        Assert.Equal("b/x.jpg", Assert.Single(with.Findings.Skipped).Name);
        cached = Assert.Single(Directory.GetFiles(_folder.Outside("cache/folder")));

        // What is damaged stays so until it changes.
        var decoded = File.GetLastWriteTimeUtc(cached);
        _folder.Open(skipDamaged: true);
        Assert.Equal(decoded, File.GetLastWriteTimeUtc(cached));
    }

    [Fact]
    public void A_class_of_which_nothing_can_be_read_is_refused_all_the_same()
    {
        foreach (var i in new[] { 0, 1, 2 }) _folder.Write($"c/{i}.gif", "GIF89a"u8.ToArray());
        var message = Assert.Throws<InvalidDataException>(() => _folder.Open(skipDamaged: true)).Message;
        Assert.Contains("the class 'c' has no picture to learn from", message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_systems_and_programs_leave_behind_is_no_picture()
    {
        foreach (var name in new[] { "a/.DS_Store", "a/._0.png", "a/Thumbs.db", "b/desktop.ini", "__MACOSX/a/._0.png",
            ".ipynb_checkpoints/0-checkpoint.png", "a/.ipynb_checkpoints/x.png", "@eaDir/SYNO.png" })
        {
            _folder.Write(name, Fixture.Bytes("images/rgb.png"));
        }

        _folder.Write("a/labels.csv", [65]);
        _folder.Write("a/notes", [65]);
        var data = _folder.Open();
        Assert.Equal(["a", "b"], data.ClassNames);
        Assert.Equal(6, Count(data));
        Assert.Equal(
            [
                ".csv, no picture", "file of a system (Thumbs.db)", "file of a system (desktop.ini)",
                "file without an extension, no picture", "folder of a system or hidden (.ipynb_checkpoints)",
                "folder of a system or hidden (@eaDir)", "folder of a system or hidden (__MACOSX)", "hidden file",
                "resource fork of macOS, no picture",
            ],
            data.Findings.LeftOut.Select(left => left.Reason).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_FIFO_a_socket_and_a_device_are_named_and_never_opened()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no FIFOs in folders.");
        _folder.Shell("mkfifo a/pipe.png a/pipe; ln -s /dev/zero b/zero.jpg");

        // Opened, a FIFO without a writer would wait for ever, and the zeros would never end.
        var opened = Task.Run(() => _folder.Open(skipDamaged: true), TestContext.Current.CancellationToken);
        var data = await opened.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Equal(["a/pipe.png", "b/zero.jpg"], data.Findings.Skipped.Select(file => file.Name));
        Assert.Equal(["is a FIFO (a named pipe)", "is a device"], data.Findings.Skipped.Select(file => file.Reason));
        Assert.Equal("a FIFO (a named pipe)", Assert.Single(data.Findings.LeftOut).Reason);
    }

    [Fact]
    public void A_name_that_is_not_UTF_8_is_called_that()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("Only Linux has such names.");
        _folder.Shell("cp a/0.png $'a/caf\\xe9.png'");
        Assert.Contains("has a name that is not UTF-8", _folder.Refusal(), StringComparison.Ordinal);
        Assert.Equal(6, Count(_folder.Open(skipDamaged: true)));
        _folder.Shell("cp -r a $'\\xe9t\\xe9'");
        Assert.Contains(
            "holds a folder whose name is not UTF-8", Assert.Throws<InvalidDataException>(() => _folder.Open(skipDamaged: true)).Message,
            StringComparison.Ordinal);
        _folder.Shell("rm -r $'\\xe9t\\xe9' $'a/caf\\xe9.png'");
    }

    private static int Count(ImageDataset data) => data.Train.Count + data.Validation.Count + data.Test.Count;
}
