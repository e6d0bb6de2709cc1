using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;

namespace XSepConv.Benchmarks.Serving;

/// <summary>Clients that send pictures to the service, each its next when it has the answer to its last.</summary>
internal sealed class Load : IDisposable
{
    // How often a run looks at the service's memory.
    private const int Readings = 10;
    private const string Memory = "process_resident_memory_bytes ";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    private readonly IReadOnlyList<SentPicture> _pictures;
    private readonly int _clients;
    private readonly Uri[] _urls;
    private readonly Uri _metrics;
    private readonly HttpClient _http;

    public Load(Uri service, IReadOnlyList<SentPicture> pictures, int clients)
    {
        (_pictures, _clients) = (pictures, clients);
        _metrics = new Uri(service, "metrics");
        _urls = [.. pictures.Select(picture => new Uri(service, $"classify?top={picture.Top.GetArrayLength()}"))];
        _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = clients, UseProxy = false }) { Timeout = Patience };
    }

    /// <summary>Resident memory of the service, in bytes.</summary>
    public async Task<long> ResidentMemory(CancellationToken cancel)
    {
        var lines = (await _http.GetStringAsync(_metrics, cancel)).Split('\n');
        var line = lines.Single(one => one.StartsWith(Memory, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(Memory.Length), CultureInfo.InvariantCulture);
    }

    /// <summary>Sends so many requests, or until no connection is taken any more.</summary>
    public async Task<LoadResult> Run(int requests, CancellationToken cancel)
    {
        var (sent, milliseconds) = (-1, new ConcurrentBag<double>());
        var (codes, wrong) = (new ConcurrentDictionary<int, int>(), new ConcurrentQueue<string>());
        var (refused, memory) = (0, new ConcurrentQueue<long>());
        var part = Math.Max(1, requests / Readings);
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, _clients).Select(_ => Task.Run(Client, cancel)));
        return new(_clients, Stopwatch.GetElapsedTime(start), [.. milliseconds.Order()], codes, refused, [.. wrong])
        {
            Memory = [.. memory],
        };

        async Task Client()
        {
            for (int turn; (turn = Interlocked.Increment(ref sent)) < requests;)
            {
                if (turn % part == 0) memory.Enqueue(await ResidentMemory(cancel));
                var at = turn % _pictures.Count;
                using var content = new ByteArrayContent(_pictures[at].Bytes);
                content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
                var from = Stopwatch.GetTimestamp();
                try
                {
                    using var answer = await _http.PostAsync(_urls[at], content, cancel);
                    var body = await answer.Content.ReadAsByteArrayAsync(cancel);
                    codes.AddOrUpdate((int)answer.StatusCode, 1, (_, count) => count + 1);
                    if (!answer.IsSuccessStatusCode) continue;
                    milliseconds.Add(Stopwatch.GetElapsedTime(from).TotalMilliseconds);
                    var top = JsonDocument.Parse(body).RootElement.GetProperty("top");
                    var expected = _pictures[at].Top;
                    if (!JsonElement.DeepEquals(top, expected)) wrong.Enqueue($"{_pictures[at].File}: {top}, not {expected}");
                }
                catch (HttpRequestException)
                {
                    // No answer: that it was taken nevertheless shows in the service's own count.
                    Interlocked.Increment(ref refused);
                    return;
                }
            }
        }
    }

    public void Dispose() => _http.Dispose();
}
