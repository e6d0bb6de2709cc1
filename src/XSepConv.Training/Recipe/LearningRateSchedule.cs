using System.Globalization;

namespace XSepConv.Training;

/// <summary>The learning rate of every step: a straight line up from 0, then half a cosine down to 0, or two falls to a tenth.</summary>
internal sealed class LearningRateSchedule
{
    /// <summary>A schedule.</summary>
    /// <param name="peak">The learning rate after warm-up, above 0.</param>
    /// <param name="totalSteps">All steps of the run, at least 1.</param>
    /// <param name="warmupSteps">How many of them lead up to the peak: 0 … <paramref name="totalSteps"/>.</param>
    public LearningRateSchedule(double peak, long totalSteps, long warmupSteps, ScheduleKind kind = ScheduleKind.Cosine)
    {
        if (!double.IsFinite(peak) || peak <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(peak), peak, "The learning rate must be a finite number above 0.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(totalSteps, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(warmupSteps);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(warmupSteps, totalSteps);
        if (!Enum.IsDefined(kind)) throw new ArgumentOutOfRangeException(nameof(kind), kind, "Known are Cosine and Step.");
        Peak = peak;
        TotalSteps = totalSteps;
        WarmupSteps = warmupSteps;
        Kind = kind;
    }

    /// <summary>That of a recipe: its warm-up, which takes half of the run at most, and what comes after.</summary>
    public static LearningRateSchedule Of(TrainingRecipe recipe, int stepsPerEpoch)
    {
        var total = (long)recipe.Epochs * stepsPerEpoch;
        var warmup = Math.Min((long)Math.Round(recipe.WarmupEpochs * stepsPerEpoch), total / 2);
        return new(recipe.LearningRate, total, warmup, recipe.Schedule);
    }

    /// <summary>Says where the warm-up of a recipe is cut to half of the run; null where it is not.</summary>
    public static string? WarmupNote(TrainingRecipe recipe, int stepsPerEpoch)
    {
        var schedule = Of(recipe, stepsPerEpoch);

        // A step more or less by rounding is no word worth.
        return 2 * recipe.WarmupEpochs > recipe.Epochs && Math.Round(recipe.WarmupEpochs * stepsPerEpoch) > schedule.WarmupSteps
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"Warm-up is {recipe.WarmupEpochs:0.######} of {recipe.Epochs:N0} epochs; it takes half of the run, "
                + $"{schedule.WarmupSteps:N0} of {schedule.TotalSteps:N0} steps.")
            : null;
    }

    /// <summary>The learning rate after warm-up.</summary>
    public double Peak { get; }

    public long TotalSteps { get; }

    public long WarmupSteps { get; }

    /// <summary>What comes after warm-up.</summary>
    public ScheduleKind Kind { get; }

    /// <summary>
    /// The learning rate of a step. Step i of w warm-up steps has (i + 1)/w of the peak. With <see cref="ScheduleKind.Cosine"/> step i of
    /// the other n has (1 + cos(π·(i + 1)/(n + 1)))/2 of it, so that no step is wasted on 0; with <see cref="ScheduleKind.Step"/> it is the
    /// peak, a tenth of it in the second half of the run, a hundredth in its last quarter.
    /// </summary>
    /// <param name="step">0 … <see cref="TotalSteps"/> − 1.</param>
    public double At(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(step, TotalSteps);
        if (step < WarmupSteps) return Peak * (step + 1) / WarmupSteps;
        if (Kind == ScheduleKind.Step) return Peak * (4 * step >= 3 * TotalSteps ? 0.01 : 2 * step >= TotalSteps ? 0.1 : 1);
        var done = (double)(step - WarmupSteps + 1) / (TotalSteps - WarmupSteps + 1);
        return Peak * 0.5 * (1 + Math.Cos(Math.PI * done));
    }
}
