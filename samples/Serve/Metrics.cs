using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Serve;

/// <summary>What /metrics counts, as Prometheus reads it.</summary>
internal sealed class Metrics
{
    private readonly ConcurrentDictionary<int, long> _requests = [];
    private readonly Histogram _seconds = new(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10);

    /// <summary>Pictures of a run.</summary>
    public Histogram Batches { get; } = new(1, 2, 4, 8, 16, 32, 64, 128, 256, 512);

    /// <summary>Requests that were answered with classes.</summary>
    public long Answered => _requests.GetValueOrDefault(StatusCodes.Status200OK);

    /// <summary>Counts a request, and how long one took that was answered with classes.</summary>
    public async Task Measure(HttpContext http, Func<Task> next)
    {
        var start = Stopwatch.GetTimestamp();
        var code = StatusCodes.Status500InternalServerError;
        try
        {
            await next();
            code = http.Response.StatusCode;
            if (code == StatusCodes.Status200OK) _seconds.Observe(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        finally
        {
            _requests.AddOrUpdate(code, 1, (_, count) => count + 1);
        }
    }

    /// <summary>All of it as text, with the two that others know.</summary>
    public string Text(int waiting, int inside)
    {
        var text = new StringBuilder();
        Head("requests_total", "counter", "Requests to classify, by the status they were answered with; 429 were rejected.");
        foreach (var (code, count) in _requests.OrderBy(pair => pair.Key)) Line($"requests_total{{code=\"{code}\"}}", count);
        Head("requests_inside", "gauge", "Requests that are received, wait or are answered.");
        Line("requests_inside", inside);
        Head("requests_waiting", "gauge", "Pictures that no worker has taken yet.");
        Line("requests_waiting", waiting);
        Distribution("request_duration_seconds", "From a request's first line to its classes.", _seconds);
        Distribution("batch_size", "Pictures of a run.", Batches);

        // Under Prometheus's own name for it.
        text.Append("# HELP process_resident_memory_bytes Resident memory of the process.\n# TYPE process_resident_memory_bytes gauge\n");
        text.Append(CultureInfo.InvariantCulture, $"process_resident_memory_bytes {Environment.WorkingSet}\n");
        return text.ToString();

        void Head(string name, string type, string help) => text.Append($"# HELP xsepconv_{name} {help}\n# TYPE xsepconv_{name} {type}\n");
        void Line(string name, double value) => text.Append(CultureInfo.InvariantCulture, $"xsepconv_{name} {value}\n");
        void Distribution(string name, string help, Histogram histogram)
        {
            Head(name, "histogram", help);
            var (below, count, sum) = histogram.Read();
            foreach (var (bound, many) in below.Append((double.PositiveInfinity, count)))
            {
                var edge = double.IsFinite(bound) ? bound.ToString(CultureInfo.InvariantCulture) : "+Inf";
                Line($"{name}_bucket{{le=\"{edge}\"}}", many);
            }

            Line($"{name}_sum", sum);
            Line($"{name}_count", count);
        }
    }
}

/// <summary>How many values are at most as large as each of some bounds, which ascend.</summary>
internal sealed class Histogram(params double[] bounds)
{
    private readonly Lock _lock = new();
    private readonly long[] _below = new long[bounds.Length];
    private long _count;
    private double _sum;

    public void Observe(double value)
    {
        lock (_lock)
        {
            _count++;
            _sum += value;
            for (var i = bounds.Length - 1; i >= 0 && value <= bounds[i]; i--) _below[i]++;
        }
    }

    public (IReadOnlyList<(double Bound, long Count)> Below, long Count, double Sum) Read()
    {
        lock (_lock) return ([.. bounds.Zip(_below)], _count, _sum);
    }
}
