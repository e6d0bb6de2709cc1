namespace XSepConv.Runtime.Tests.Weights;

public sealed class AtomicFileTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("xsepconv-");

    private string FilePath => Path.Combine(folder.FullName, "file.txt");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void A_new_file_has_its_content_and_nothing_else_is_left()
    {
        AtomicFile.WriteAllText(FilePath, "größer\n");
        Assert.Equal([.. "gr"u8, 0xC3, 0xB6, 0xC3, 0x9F, .. "er\n"u8], File.ReadAllBytes(FilePath));
        Assert.Equal([FilePath], Directory.GetFileSystemEntries(folder.FullName));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_writer_that_throws_half_way_leaves_the_folder_as_it_was(bool exists)
    {
        if (exists) File.WriteAllText(FilePath, "old");
        Assert.Throws<TimeZoneNotFoundException>(() => AtomicFile.Write(FilePath, stream =>
        {
            stream.Write(new byte[200_000]);
            throw new TimeZoneNotFoundException();
        }));
        Assert.Equal(exists ? [FilePath] : [], Directory.GetFileSystemEntries(folder.FullName));
        if (exists) Assert.Equal("old", File.ReadAllText(FilePath));
    }

    [Fact]
    public void A_file_that_grows_too_long_is_an_error_of_the_disk_with_its_number()
    {
        // As .NET says EFBIG.
        var error = Assert.Throws<IOException>(() => AtomicFile.Write(FilePath, _ => throw new ArgumentOutOfRangeException("value")));
        Assert.StartsWith($"{FilePath} would be longer than", error.Message, StringComparison.Ordinal);
        Assert.Equal(OperatingSystem.IsWindows() ? unchecked((int)0x800700DF) : 27, error.HResult);
    }

    [Fact]
    public void The_old_file_is_there_until_the_new_one_is_complete()
    {
        File.WriteAllText(FilePath, "old");
        AtomicFile.Write(FilePath, stream =>
        {
            stream.Write("new"u8);
            stream.Flush();
            Assert.Equal("old", File.ReadAllText(FilePath));
        });
        Assert.Equal("new", File.ReadAllText(FilePath));
    }

    [Fact]
    public void Permissions_are_kept_or_as_for_any_new_file()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("There are no Unix permissions on Windows.");
            return;
        }

        var plain = Path.Combine(folder.FullName, "plain");
        File.WriteAllText(plain, "");
        AtomicFile.WriteAllText(FilePath, "new");
        Assert.Equal(File.GetUnixFileMode(plain), File.GetUnixFileMode(FilePath));

        const UnixFileMode Kept = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        File.SetUnixFileMode(FilePath, Kept);
        AtomicFile.WriteAllText(FilePath, "newer");
        Assert.Equal(Kept, File.GetUnixFileMode(FilePath));
    }

    [Fact]
    public void A_symbolic_link_stays_one_and_its_target_is_replaced()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Links need a privilege on Windows.");
        var target = Path.Combine(folder.CreateSubdirectory("elsewhere").FullName, "target.txt");
        File.WriteAllText(target, "old");
        File.CreateSymbolicLink(FilePath, target);
        AtomicFile.WriteAllText(FilePath, "new");
        Assert.Equal("new", File.ReadAllText(target));
        Assert.Equal(target, new FileInfo(FilePath).LinkTarget);

        File.Delete(target);
        AtomicFile.WriteAllText(FilePath, "made");
        Assert.Equal("made", File.ReadAllText(target));
    }

    [Fact]
    public void A_folder_in_the_way_and_a_missing_folder_are_reported()
    {
        Assert.Contains("is a directory", Assert.Throws<IOException>(() => AtomicFile.WriteAllText(folder.FullName, "")).Message);
        var file = Path.Combine(folder.FullName, "none", "file");
        var message = Assert.Throws<DirectoryNotFoundException>(() => AtomicFile.WriteAllText(file, "")).Message;
        Assert.Equal($"{file} can't be written: there is no directory {Path.Combine(folder.FullName, "none")}.", message);
    }

    [Fact]
    public void A_name_as_long_as_file_systems_allow_can_be_written()
    {
        var path = Path.Combine(folder.FullName, new string('x', 255));
        AtomicFile.WriteAllText(path, "new");
        Assert.Equal("new", File.ReadAllText(path));
    }

    [Fact]
    public void Leftovers_of_killed_writers_go_after_an_hour_unless_someone_writes_them()
    {
        string old = Leftover("old", hours: 2), young = Leftover("young", hours: 0), others = Path.Combine(folder.FullName, ".other.tmp");
        File.WriteAllText(others, "");
        File.SetLastWriteTimeUtc(others, DateTime.UtcNow.AddDays(-1));
        using (new FileStream(Leftover("held", hours: 2), FileMode.Open, FileAccess.Write, FileShare.None))
        {
            AtomicFile.WriteAllText(FilePath, "new");
            Assert.True(File.Exists(Leftover("held", hours: null)));
        }

        AtomicFile.WriteAllText(FilePath, "new");
        Assert.False(File.Exists(Leftover("held", hours: null)));
        Assert.False(File.Exists(old));
        Assert.True(File.Exists(young));
        Assert.True(File.Exists(others));
    }

    [Fact]
    public async Task Writers_at_the_same_time_do_not_mix()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(() =>
        {
            for (var round = 0; round < 20; round++) AtomicFile.WriteAllText(FilePath, new string((char)('a' + writer), 100_000));
        }, TestContext.Current.CancellationToken)));
        var text = File.ReadAllText(FilePath);
        Assert.Equal(new string(text[0], 100_000), text);
        Assert.Equal([FilePath], Directory.GetFileSystemEntries(folder.FullName));
    }

    private string Leftover(string name, int? hours)
    {
        var path = Path.Combine(folder.FullName, $".xsepconv-{name}.tmp");
        if (hours is { } age)
        {
            File.WriteAllText(path, "");
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(-age));
        }

        return path;
    }
}
