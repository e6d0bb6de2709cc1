namespace XSepConv.Training;

/// <summary>The learning rate of every step: a straight line up from 0, then half a cosine down to 0.</summary>
public sealed class LearningRateSchedule
{
    /// <summary>A schedule.</summary>
    /// <param name="peak">The learning rate after warm-up, above 0.</param>
    /// <param name="totalSteps">All steps of the run, at least 1.</param>
    /// <param name="warmupSteps">How many of them lead up to the peak: 0 … <paramref name="totalSteps"/>.</param>
    public LearningRateSchedule(double peak, long totalSteps, long warmupSteps)
    {
        if (!double.IsFinite(peak) || peak <= 0) throw new ArgumentOutOfRangeException(nameof(peak), peak, "The learning rate must be a finite number above 0.");
        ArgumentOutOfRangeException.ThrowIfLessThan(totalSteps, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(warmupSteps);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(warmupSteps, totalSteps);
        Peak = peak;
        TotalSteps = totalSteps;
        WarmupSteps = warmupSteps;
    }

    /// <summary>The learning rate after warm-up.</summary>
    public double Peak { get; }

    /// <summary>All steps of the run.</summary>
    public long TotalSteps { get; }

    /// <summary>How many steps lead up to the peak.</summary>
    public long WarmupSteps { get; }

    /// <summary>
    /// The learning rate of a step. Step i of w warm-up steps has (i + 1)/w of the peak; step i of the other n has (1 + cos(π·(i + 1)/(n + 1)))/2 of it,
    /// so that no step is wasted on 0.
    /// </summary>
    /// <param name="step">0 … <see cref="TotalSteps"/> − 1.</param>
    public double At(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(step, TotalSteps);
        if (step < WarmupSteps) return Peak * (step + 1) / WarmupSteps;
        var done = (double)(step - WarmupSteps + 1) / (TotalSteps - WarmupSteps + 1);
        return Peak * 0.5 * (1 + Math.Cos(Math.PI * done));
    }
}
