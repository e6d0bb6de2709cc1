namespace XSepConv.Training.Tests;

public sealed class DecodedCacheTests : IDisposable
{
    private static readonly string Source = new('5', 64);

    private readonly TemporaryFolder _folder = new();
    private int _decoded;

    public void Dispose() => _folder.Dispose();

    private string Cached => Assert.Single(Directory.GetFiles(_folder.At("cache")));

    [Fact]
    public void Images_are_decoded_once_and_read_back_as_they_were_written()
    {
        var first = Open();
        Assert.Equal(1, _decoded);
        Assert.Equal((2, 1, 2), (first.File.Train, first.File.Validation, first.File.Test));
        Assert.Equal(["zero", "öne", "two"], first.ClassNames);
        Assert.Equal([0, 1, 2, 1, 0], first.Labels);
        for (var i = 0; i < 5; i++) Assert.Equal(Image(i), first.Image(i).ToArray());
        Assert.Same(first, Open());
        Assert.Equal(1, _decoded);
    }

    [Fact]
    public void The_file_is_laid_out_as_documented()
    {
        Open();
        var bytes = File.ReadAllBytes(Cached);
        Assert.Equal("XSEPIMGS"u8, bytes.AsSpan(0, 8));

        // The last part is the JSON {"classes":["zero","\u00F6ne","two"]}.
        Assert.Equal([3, 3, 2, 2], Enumerable.Range(0, 4).Select(i => BitConverter.ToInt32(bytes, 8 + (4 * i))));
        Assert.Equal([2, 1, 2, 37], Enumerable.Range(0, 4).Select(i => BitConverter.ToInt64(bytes, 24 + (8 * i))));
        Assert.Equal(Source, Convert.ToHexString(bytes.AsSpan(56, 32)));
        Assert.Equal(Image(3), bytes[(4096 + 36)..(4096 + 48)]);
        Assert.Equal(4096 + (5 * 12) + (5 * 4) + 37, bytes.Length);
    }

    [Fact]
    public void A_file_cut_off_anywhere_is_decoded_anew()
    {
        Open();
        var whole = File.ReadAllBytes(Cached);
        foreach (var length in new[] { 0, 7, 100, 4095, 4096, 4100, whole.Length - 1 })
        {
            Replace(whole[..length]);
            var before = _decoded;
            Open();
            Assert.Equal(before + 1, _decoded);
            Assert.Equal(whole, File.ReadAllBytes(Cached));
        }
    }

    [Fact]
    public void A_file_with_any_changed_byte_is_seen_through()
    {
        Open();
        var whole = File.ReadAllBytes(Cached);
        var path = _folder.At("copy");
        File.WriteAllBytes(path, whole);
        Assert.NotNull(MappedImages.TryOpen(path, Source));
        foreach (var place in Enumerable.Range(0, 152).Concat(Enumerable.Range(4096, whole.Length - 4096)))
        {
            var changed = whole.ToArray();
            changed[place] ^= 4;
            File.WriteAllBytes(path = _folder.At($"copy{place}"), changed);
            Assert.True(MappedImages.TryOpen(path, Source) is null, $"byte {place}");
        }
    }

    [Fact]
    public void A_damaged_file_is_decoded_anew()
    {
        Open();
        var whole = File.ReadAllBytes(Cached);
        Replace([.. whole.Select((b, i) => i == 60 ? (byte)~b : b)]);
        Open();
        Assert.Equal(2, _decoded);
        Assert.Equal(whole, File.ReadAllBytes(Cached));
    }

    [Fact]
    public void A_changed_source_is_decoded_anew_and_the_old_images_go()
    {
        var old = Open();
        var other = Open(source: new string('6', 64));
        Assert.Equal(2, _decoded);
        Assert.NotSame(old, other);
        Assert.Contains("6666", Cached, StringComparison.Ordinal);

        // The old mapping still stands: a run at work goes on.
        Assert.Equal(Image(4), old.Image(4).ToArray());
    }

    [Fact]
    public void Other_places_keep_other_files()
    {
        Open();
        Open(place: "elsewhere");
        Assert.Equal(2, Directory.GetFiles(_folder.At("cache")).Length);
    }

    [Fact]
    public void Who_decodes_at_the_same_time_gets_the_same()
    {
        var all = new MappedImages[8];
        Parallel.For(0, all.Length, i => all[i] = Open());
        Assert.All(all, images => Assert.Equal(Image(2), images.Image(2).ToArray()));
        Assert.EndsWith(".images", Cached, StringComparison.Ordinal);
    }

    [Fact]
    public void A_decoding_that_fails_or_is_cancelled_leaves_nothing()
    {
        Assert.Throws<InvalidDataException>(() => Open(decode: writer =>
        {
            writer.Add(SplitKind.Train, Image(0), 0);
            throw new InvalidDataException("no good");
        }));
        using var cancel = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => DecodedCache.Open(
            _folder.At("cache"), "place", Source, (3, 2, 2), "file", writer =>
            {
                cancel.Cancel();
                return Decode(writer);
            }, null, cancel.Token));
        Assert.Empty(Directory.GetFiles(_folder.At("cache")));
    }

    // Said of the cache, it would send the user to make room where there is enough.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_source_that_can_t_be_read_is_not_taken_for_a_cache_that_can_t_be_written(bool denied)
    {
        // It may well lie below the folder of the cache.
        var part = _folder.At("cache/data_batch_3.bin");
        Exception cause = denied
            ? new UnauthorizedAccessException($"Access to the path '{part}' is denied.")
            : new IOException($"Input/output error : '{part}'");
        var error = Assert.ThrowsAny<Exception>(() => Open(decode: writer =>
        {
            writer.Add(SplitKind.Train, Image(0), 0);
            throw cause;
        }));
        Assert.Same(cause, error);
        Assert.Empty(Directory.GetFiles(_folder.At("cache")));
    }

    [Fact]
    public void A_cache_that_can_t_be_written_is_named()
    {
        File.WriteAllText(_folder.At("cache"), "");
        var error = Assert.Throws<IOException>(() => Open());
        Assert.StartsWith($"Decoded images can't be kept in {_folder.At("cache")}: ", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, _decoded);
    }

    [Fact]
    public void A_fingerprint_tells_names_sizes_and_times_apart()
    {
        var path = _folder.At("file");
        File.WriteAllBytes(path, [1, 2, 3]);
        string Fingerprint(string name = "a") => DecodedCache.Fingerprint([(name, new FileInfo(path))]);
        var first = Fingerprint();
        Assert.Equal(first, Fingerprint());
        Assert.NotEqual(first, Fingerprint("b"));
        File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(path).AddSeconds(1));
        Assert.NotEqual(first, Fingerprint());
    }

    /// <summary>As with uncompressed pictures and archives of fixed times. A large file is not read whole: a change goes on to its end.</summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(1000, 999)]
    [InlineData(65_536, 40_000)]
    [InlineData(1_000_000, 0)]
    [InlineData(1_000_000, 999_999)]
    [InlineData(1_000_000, 300_000)]
    public void A_fingerprint_tells_other_bytes_of_the_same_name_size_and_time_apart(int length, int changedFrom)
    {
        var (path, time) = (_folder.At("file"), new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        var first = Fingerprint(new byte[length]);
        Assert.Equal(first, Fingerprint(new byte[length]));
        var changed = new byte[length];
        changed.AsSpan(changedFrom).Fill(1);
        Assert.NotEqual(first, Fingerprint(changed));

        string Fingerprint(byte[] bytes)
        {
            File.WriteAllBytes(path, bytes);
            File.SetLastWriteTimeUtc(path, time);
            return DecodedCache.Fingerprint([("a", new FileInfo(path))]);
        }
    }

    [Fact]
    public void A_cache_that_can_t_be_made_is_named()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There is no /proc.");
        var error = Assert.Throws<IOException>(() => DecodedCache.Open(
            "/proc/none/cache", "a", new string('0', 64), (3, 4, 4), "a", _ => throw new InvalidOperationException(), null,
            TestContext.Current.CancellationToken));
        Assert.StartsWith("Decoded images can't be kept in /proc/none/cache: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fingerprint_of_a_link_is_that_of_what_it_leads_to()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There a link needs a right.");
        var (path, link) = (_folder.At("file"), _folder.At("link"));
        File.WriteAllBytes(path, [1, 2, 3]);
        File.CreateSymbolicLink(link, path);
        string Fingerprint(string of) => DecodedCache.Fingerprint([("a", new FileInfo(of))]);
        Assert.Equal(Fingerprint(path), Fingerprint(link));
        var first = Fingerprint(link);
        File.WriteAllBytes(path, [1, 2, 3, 4]);
        Assert.NotEqual(first, Fingerprint(link));
    }

    [Fact]
    public void The_digest_does_not_depend_on_pieces()
    {
        var bytes = new byte[(16 << 20) + 12_345];
        new Random(1).NextBytes(bytes);
        string InPieces(int size)
        {
            using var digester = new ImageFile.Digester();
            for (var at = 0; at < bytes.Length; at += size) digester.Append(bytes.AsSpan(at, Math.Min(size, bytes.Length - at)));
            return digester.Result();
        }

        unsafe
        {
            fixed (byte* start = bytes)
            {
                Assert.Equal(InPieces(1 << 20), ImageFile.Digest(start, bytes.Length));
            }
        }

        Assert.Equal(InPieces(1 << 20), InPieces(7_777_777));
    }

    private MappedImages Open(string place = "place", string? source = null, Func<ImageFileWriter, IReadOnlyList<string>>? decode = null) =>
        DecodedCache.Open(
        _folder.At("cache"), place, source ?? Source, (3, 2, 2), "file", decode ?? Decode, null, TestContext.Current.CancellationToken);

    private IReadOnlyList<string> Decode(ImageFileWriter writer)
    {
        Interlocked.Increment(ref _decoded);
        SplitKind[] splits = [SplitKind.Train, SplitKind.Train, SplitKind.Validation, SplitKind.Test, SplitKind.Test];
        for (var i = 0; i < 5; i++) writer.Add(splits[i], Image(i), new[] { 0, 1, 2, 1, 0 }[i]);
        return ["zero", "öne", "two"];
    }

    private static byte[] Image(int index) => [.. Enumerable.Range(0, 12).Select(i => (byte)((index * 12) + i + 1))];

    // As the writer does it: the old file is not changed, its name is given to another.
    private void Replace(byte[] bytes)
    {
        var path = Cached;
        File.WriteAllBytes(_folder.At("other"), bytes);
        File.Move(_folder.At("other"), path, overwrite: true);
    }
}
