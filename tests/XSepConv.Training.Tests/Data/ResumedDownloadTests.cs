using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace XSepConv.Training.Tests;

/// <summary>Downloads from a real server on this machine, broken off and taken up again.</summary>
public sealed class ResumedDownloadTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly byte[] _content = new byte[1_000_000];

    public ResumedDownloadTests() => new Random(6).NextBytes(_content);

    public void Dispose() => _folder.Dispose();

    private string Part => _folder.At("cache/cifar-10-binary.tar.gz.part");

    [Fact]
    public void A_connection_that_breaks_is_taken_up_where_it_ended()
    {
        using var server = new FileServer(_content);
        server.CutAfter.Enqueue(300_000);
        server.CutAfter.Enqueue(200_000);
        var reports = new List<DownloadProgress>();
        var path = Assert.Single(Fetch(server, new Immediate(report => reports.Add((DownloadProgress)report))));
        Assert.Equal(_content, File.ReadAllBytes(path));
        Assert.False(File.Exists(Part));
        Assert.Equal("", server.Asked.First());
        Assert.Equal(3, server.Asked.Count);
        Assert.All(server.Asked.Skip(1), range => Assert.StartsWith("bytes=", range, StringComparison.Ordinal));

        // Each piece is reported once, from none to all.
        Assert.Equal(reports.Select(report => report.BytesDone).Order().Distinct(), reports.Select(report => report.BytesDone));
        Assert.Equal((1_000_000, 1_000_000), (reports[^1].BytesDone, reports[^1].BytesTotal));
    }

    /// <summary>Reset by the other side, not only ended too early.</summary>
    [Fact]
    public async Task A_connection_that_is_reset_is_taken_up_where_it_ended()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var asked = new List<string>();
        var serving = Task.Run(() =>
        {
            for (var i = 0; i < 2; i++)
            {
                using var client = listener.AcceptTcpClient();
                using var stream = client.GetStream();
                using var reader = new StreamReader(stream, leaveOpen: true);
                var range = "";
                while (reader.ReadLine() is { Length: > 0 } line)
                {
                    if (line.StartsWith("Range:", StringComparison.OrdinalIgnoreCase)) range = line["Range:".Length..].Trim();
                }

                asked.Add(range);
                var from = range.Length == 0 ? 0 : int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture);
                stream.Write(Encoding.ASCII.GetBytes(
                    $"HTTP/1.1 {(from == 0 ? "200 OK" : "206 Partial Content")}\r\nContent-Length: {_content.Length - from}\r\n"
                    + (from == 0 ? "\r\n" : $"Content-Range: bytes {from}-{_content.Length - 1}/{_content.Length}\r\n\r\n")));
                stream.Write(_content.AsSpan(from, i == 0 ? 300_000 : _content.Length - from));
                if (i > 0) continue;
                SpinWait.SpinUntil(() => File.Exists(Part) && new FileInfo(Part).Length == 300_000, TimeSpan.FromSeconds(20));
                client.LingerState = new(enable: true, seconds: 0);
            }
        }, TestContext.Current.CancellationToken);
        var address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        Assert.Equal(_content, File.ReadAllBytes(Assert.Single(Fetch(address))));
        Assert.Equal(["", "bytes=300000-"], asked);
        await serving;
    }

    [Fact]
    public void What_an_earlier_program_left_is_not_asked_for_again()
    {
        Directory.CreateDirectory(_folder.At("cache"));
        File.WriteAllBytes(Part, _content[..700_000]);
        using var server = new FileServer(_content);
        Assert.Equal(_content, File.ReadAllBytes(Assert.Single(Fetch(server))));
        Assert.Equal(["bytes=700000-"], server.Asked);
    }

    [Fact]
    public void A_complete_part_is_only_checked()
    {
        Directory.CreateDirectory(_folder.At("cache"));
        File.WriteAllBytes(Part, _content);
        using var server = new FileServer(_content);
        Assert.Equal(_content, File.ReadAllBytes(Assert.Single(Fetch(server))));
        Assert.Empty(server.Asked);
    }

    [Theory]
    [InlineData(700_000)]
    [InlineData(1_000_000)]
    [InlineData(1_000_001)]
    public void A_wrong_beginning_is_thrown_away_and_all_is_asked_for(int length)
    {
        Directory.CreateDirectory(_folder.At("cache"));
        File.WriteAllBytes(Part, new byte[length]);
        using var server = new FileServer(_content);
        Assert.Equal(_content, File.ReadAllBytes(Assert.Single(Fetch(server))));
        Assert.Equal("", server.Asked.Last());
    }

    [Fact]
    public void A_server_without_ranges_sends_the_whole()
    {
        Directory.CreateDirectory(_folder.At("cache"));
        File.WriteAllBytes(Part, _content[..700_000]);
        using var server = new FileServer(_content) { Ranges = false };
        Assert.Equal(_content, File.ReadAllBytes(Assert.Single(Fetch(server))));
    }

    [Fact]
    public void A_server_that_always_breaks_off_is_given_up_and_what_came_is_kept()
    {
        using var server = new FileServer(_content);
        for (var i = 0; i < 10; i++) server.CutAfter.Enqueue(70_000);
        var error = Assert.Throws<IOException>(() => Fetch(server));
        Assert.Contains(server.Address.ToString(), error.Message, StringComparison.Ordinal);
        Assert.Equal(4, server.Asked.Count);
        var kept = File.ReadAllBytes(Part);
        Assert.InRange(kept.Length, 1, 280_000);
        Assert.True(kept.AsSpan().SequenceEqual(_content.AsSpan(0, kept.Length)));
    }

    [Fact]
    public void A_wrong_file_names_the_checksum_it_has_and_should_have()
    {
        using var server = new FileServer([.. _content.Select((b, i) => i == 500_000 ? (byte)~b : b)]);
        var message = Assert.Throws<IOException>(() => Fetch(server)).Message;
        Assert.Contains("SHA-256", message, StringComparison.Ordinal);
        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(_content)), message, StringComparison.Ordinal);
        Assert.Empty(File.ReadAllBytes(Part));
    }

    [Fact]
    public void An_MD5_is_compared_where_the_publisher_gives_no_other()
    {
        using var server = new FileServer(_content);
#pragma warning disable CA5351
        var file = Published() with { Checksum = Convert.ToHexStringLower(MD5.HashData(_content)) };
#pragma warning restore CA5351
        Assert.Single(Fetch(server, file: file));
        File.Delete(_folder.At("cache/cifar-10-binary.tar.gz"));
        Assert.Contains(
            "MD5", Assert.Throws<IOException>(
                () => Fetch(server, file: file with { Checksum = new string('0', 32) })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_who_want_the_same_file_get_it_once()
    {
        // Several times, since what happens between looking and opening happens rarely.
        using var server = new FileServer(_content);
        for (var time = 1; time <= 10; time++)
        {
            var all = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Fetch(server))));
            Assert.All(all, paths => Assert.Equal(_content, File.ReadAllBytes(paths[0])));
            Assert.Equal(time, server.Asked.Count);
            Directory.Delete(_folder.At("cache"), recursive: true);
        }
    }

    private PublishedFile Published() =>
        CifarDataset.Ten.File with { Bytes = _content.Length, Checksum = Convert.ToHexStringLower(SHA256.HashData(_content)) };

    private IReadOnlyList<string> Fetch(FileServer server, IProgress<DatasetProgress>? progress = null, PublishedFile? file = null) =>
        Fetch(server.Address, progress, file);

    private IReadOnlyList<string> Fetch(Uri address, IProgress<DatasetProgress>? progress = null, PublishedFile? file = null) =>
        DatasetDownload.Fetch(
        CifarDataset.Ten with { Sources = [address], Files = [file ?? Published()] }, _folder.At("cache"), null, progress,
        TestContext.Current.CancellationToken);

    private sealed class Immediate(Action<DatasetProgress> report) : IProgress<DatasetProgress>
    {
        public void Report(DatasetProgress value) => report(value);
    }
}
