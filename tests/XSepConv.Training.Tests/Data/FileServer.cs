using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace XSepConv.Training.Tests;

/// <summary>A real HTTP server on this machine with one file, that can break off, ignore ranges or answer with something else.</summary>
internal sealed class FileServer : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly byte[] _content;
    private readonly Task _work;

    public FileServer(byte[] content)
    {
        _content = content;
        while (true)
        {
            Address = new($"http://127.0.0.1:{FreePort()}/");
            _listener.Prefixes.Clear();
            _listener.Prefixes.Add(Address.ToString());
            try
            {
                _listener.Start();
                break;
            }
            catch (HttpListenerException)
            {
                // Somebody took the port in between.
            }
        }

        _work = Task.Run(Serve);
    }

    public Uri Address { get; }

    /// <summary>How many bytes are sent before the connection is cut, by request; all when there is none.</summary>
    public ConcurrentQueue<int> CutAfter { get; } = [];

    /// <summary>Whether ranges are honoured.</summary>
    public bool Ranges { get; init; } = true;

    /// <summary>The ranges that were asked for; empty for the whole.</summary>
    public ConcurrentQueue<string> Asked { get; } = [];

    public void Dispose()
    {
        _listener.Close();
        _work.Wait();
    }

    private async Task Serve()
    {
        while (true)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                await AnswerAsync(context);
            }
            catch (Exception) when (!_listener.IsListening)
            {
                return;
            }
            catch (Exception e) when (e is HttpListenerException or IOException or ProtocolViolationException or InvalidOperationException)
            {
                // A connection that was cut, by either side.
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var range = context.Request.Headers["Range"] ?? "";
        Asked.Enqueue(range);
        var response = context.Response;
        var from = 0;
        if (Ranges && range.StartsWith("bytes=", StringComparison.Ordinal))
        {
            from = int.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
            response.StatusCode = (int)HttpStatusCode.PartialContent;
            response.Headers["Content-Range"] = $"bytes {from}-{_content.Length - 1}/{_content.Length}";
        }

        var length = _content.Length - from;
        response.ContentLength64 = length;
        var cut = CutAfter.TryDequeue(out var after) && after < length;
        await response.OutputStream.WriteAsync(_content.AsMemory(from, cut ? after : length));
        await response.OutputStream.FlushAsync();
        if (cut) response.Abort();
        else response.Close();
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
