using System.Diagnostics;
using System.Text.Json.Serialization;

namespace XSepConv.Training;

/// <summary>How much of the machine a run had, and how busy all of the machine was meanwhile.</summary>
/// <param name="Seconds">By the clock.</param>
/// <param name="ProcessSeconds">What the run's threads computed in that time, together.</param>
/// <param name="BusySeconds">What all programs' threads computed, the run's included; null where the system does not say.</param>
/// <param name="MachineCores">The cores that they had; null likewise.</param>
internal sealed record RunLoad(double Seconds, double ProcessSeconds, double? BusySeconds, int? MachineCores)
{
    /// <summary>How many cores the run had, on average.</summary>
    [JsonIgnore]
    public double Cores => ProcessSeconds / Seconds;

    /// <summary>How many cores were busy, on average.</summary>
    [JsonIgnore]
    public double? BusyCores => BusySeconds / Seconds;

    /// <summary>
    /// Whether it had too few cores for its threads while the machine was busy. One that waits for its data, or whose threads wait for each
    /// other, leaves cores idle; one that waits for a core does not.
    /// </summary>
    public bool IsStarved(int threads)
    {
        const double Enough = 0.9;
        return BusyCores >= Enough * MachineCores && Cores < Enough * threads;
    }

    /// <summary>With what an earlier process of the same run had.</summary>
    public RunLoad After(RunLoad? earlier) => earlier is null ? this : new(
        earlier.Seconds + Seconds, earlier.ProcessSeconds + ProcessSeconds, earlier.BusySeconds + BusySeconds, MachineCores);

    /// <summary>Begins to watch this process.</summary>
    /// <returns>Says what there was until it is called.</returns>
    public static Func<RunLoad> Watch()
    {
        var (start, used, before) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime, ProcessorTimes.Read());
        return () =>
        {
            var seconds = Math.Max(Stopwatch.GetElapsedTime(start).TotalSeconds, 1e-9);
            var own = (Environment.CpuUsage.TotalTime - used).TotalSeconds;
            if (before is null || ProcessorTimes.Read() is not { } after) return new(seconds, own, null, null);
            var cores = ProcessorTimes.Cores(after);
            return new(seconds, own, seconds * (cores - ProcessorTimes.Idle(before, after)), cores);
        };
    }
}
