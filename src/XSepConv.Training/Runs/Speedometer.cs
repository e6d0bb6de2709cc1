using System.Diagnostics;

namespace XSepConv.Training;

/// <summary>Images a second over the last steps: each step counts 10 % in a moving mean of the time of an image.</summary>
internal sealed class Speedometer
{
    private long _last = Stopwatch.GetTimestamp();
    private double _seconds;

    public double PerSecond => _seconds > 0 ? 1 / _seconds : 0;

    /// <summary>So many images are done since the last call.</summary>
    public void Add(int images)
    {
        var each = Stopwatch.GetElapsedTime(_last).TotalSeconds / Math.Max(1, images);
        _seconds = _seconds == 0 ? each : (0.9 * _seconds) + (0.1 * each);
        _last = Stopwatch.GetTimestamp();
    }

    /// <summary>Something else was done, or will be.</summary>
    public void Reset()
    {
        _seconds = 0;
        _last = Stopwatch.GetTimestamp();
    }
}
