using System.Net;
using System.Security.Cryptography;

namespace XSepConv.Training.Tests;

public sealed class DatasetDownloadTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly IdxDatasetInfo _info;
    private readonly Dictionary<string, byte[]> _published = [];

    public DatasetDownloadTests()
    {
        IdxBytes.WriteSet(_folder.At("published"));
        foreach (var path in Directory.GetFiles(_folder.At("published"))) _published[Path.GetFileName(path)] = File.ReadAllBytes(path);
        _info = IdxDatasetInfo.Mnist with
        {
            Sources = [new("https://first.example/a/"), new("https://second.example/b/")],
            Files = [.. IdxDatasetInfo.Mnist.Files.Select(file =>
            {
                var bytes = _published[file.Name];
                return file with { Bytes = bytes.Length, Checksum = Convert.ToHexStringLower(SHA256.HashData(bytes)) };
            })],
        };
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_file_is_fetched_once_and_the_progress_ends_at_its_size()
    {
        using var net = new FakeNet(request => Answer(request));
        var reports = new List<DownloadProgress>();
        var paths = Fetch(net, new Reporter(report => reports.Add((DownloadProgress)report)));
        Assert.Equal(_info.Files.Select(file => _folder.At($"cache/{file.Name}")), paths);
        Assert.All(paths, path => Assert.Equal(_published[Path.GetFileName(path)], File.ReadAllBytes(path)));
        Assert.Equal(4, net.Requests.Count);
        Assert.All(_info.Files, file => Assert.Equal(file.Bytes, reports.Last(report => report.File == file.Name).BytesDone));

        Fetch(net);
        Assert.Equal(4, net.Requests.Count);
    }

    [Fact]
    public void The_second_source_is_asked_when_the_first_fails()
    {
        using var net = new FakeNet(request => request.Host == "first.example" ? new(HttpStatusCode.NotFound) : Answer(request));
        Assert.Equal(4, Fetch(net).Count);
        Assert.Equal("https://second.example/b/train-images-idx3-ubyte.gz", net.Requests[1].ToString());
    }

    [Theory]
    [InlineData("changed", "SHA-256")]
    [InlineData("long", "sends more than the")]
    [InlineData("missing", "404")]
    public void A_wrong_file_is_refused_with_every_source_and_nothing_of_it_is_kept(string fault, string reason)
    {
        using var net = new FakeNet(request => fault switch
        {
            "changed" => Content([.. _published[Name(request)].Select((b, i) => i == 100 ? (byte)~b : b)]),
            "long" => Content([.. _published[Name(request)], 0]),
            _ => new HttpResponseMessage(HttpStatusCode.NotFound),
        });
        var error = Assert.Throws<IOException>(() => Fetch(net));
        Assert.Contains("https://first.example/a/train-images-idx3-ubyte.gz: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("https://second.example/b/train-images-idx3-ubyte.gz: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Empty(File.ReadAllBytes(Assert.Single(Directory.GetFileSystemEntries(_folder.At("cache")))));
    }

    [Fact]
    public void What_another_process_downloads_is_shown_while_it_is_waited_for()
    {
        Directory.CreateDirectory(_folder.At("cache"));
        var file = _info.Files[0];
        using var other = new FileStream(
            _folder.At($"cache/{file.Name}.part"), FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
        other.Write([1, 2, 3]);
        using var net = new FakeNet(request => Answer(request));
        var reports = new List<DownloadProgress>();

        Fetch(net, new Reporter(report =>
        {
            reports.Add((DownloadProgress)report);
            if (reports.Count > 1) return;
            other.SetLength(0);
            other.Dispose();
        }));

        Assert.Equal((file.Name, 3L, file.Bytes), (reports[0].File, reports[0].BytesDone, reports[0].BytesTotal));
        Assert.Equal(_published[file.Name], File.ReadAllBytes(_folder.At($"cache/{file.Name}")));
    }

    [Fact]
    public void Cancelling_ends_the_download_and_keeps_what_came()
    {
        using var cancel = new CancellationTokenSource();
        using var net = new FakeNet(request => Answer(request));
        Assert.ThrowsAny<OperationCanceledException>(() =>
            DatasetDownload.Fetch(_info, _folder.At("cache"), net, new Reporter(_ => cancel.Cancel()), cancel.Token));
        Assert.All(Directory.GetFileSystemEntries(_folder.At("cache")), path => Assert.EndsWith(".part", path, StringComparison.Ordinal));
    }

    [Fact]
    public void A_set_that_can_t_be_downloaded_says_so_among_the_places()
    {
        using var net = new FakeNet(_ => throw new HttpRequestException("No such host is known."));
        var error = Assert.Throws<DatasetNotFoundException>(() => Sets.Open("mnist", new()
        {
            SystemDirectory = _folder.At("system"),
            CacheDirectory = _folder.At("cache"),
            Network = net,
        }));
        foreach (var part in new[] { "data root", "system folder", "cache ", "download to ", "No such host is known." })
        {
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_disk_that_fills_up_meanwhile_is_told_from_a_set_that_is_nowhere()
    {
        using var net = new FakeNet(_ => new(HttpStatusCode.OK) { Content = new StreamContent(new FullDisk()) });
        var error = Assert.Throws<DatasetNotFoundException>(() => Sets.Open("mnist", new()
        {
            SystemDirectory = _folder.At("system"),
            CacheDirectory = _folder.At("cache"),
            Network = net,
        }));
        Assert.Contains(FullDisk.Words, error.Message, StringComparison.Ordinal);
        Assert.Equal(FullDisk.Number, error.GetBaseException().HResult);
    }

    // Where bytes come from and where they go fail alike.
    private sealed class FullDisk : MemoryStream
    {
        public const string Words = "No space left on device";
        public const int Number = 28;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new IOException(Words, Number);

        public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken) =>
            throw new IOException(Words, Number);
    }

    private IReadOnlyList<string> Fetch(FakeNet net, IProgress<DatasetProgress>? progress = null) =>
        DatasetDownload.Fetch(_info, _folder.At("cache"), net, progress, TestContext.Current.CancellationToken);

    private HttpResponseMessage Answer(Uri request) => Content(_published[Name(request)]);

    private static HttpResponseMessage Content(byte[] bytes) => new(HttpStatusCode.OK) { Content = new ByteArrayContent(bytes) };

    private static string Name(Uri request) => request.Segments[^1];

    private sealed class FakeNet(Func<Uri, HttpResponseMessage> answer) : HttpMessageHandler
    {
        public List<Uri> Requests { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests.Add(request.RequestUri!);
            return Task.FromResult(answer(request.RequestUri!));
        }
    }

    private sealed class Reporter(Action<DatasetProgress> report) : IProgress<DatasetProgress>
    {
        public void Report(DatasetProgress value) => report(value);
    }
}
