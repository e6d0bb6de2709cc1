namespace XSepConv.Training;

/// <summary>
/// A run does not start, and nothing was changed: the output directory can't be written or holds another run, or there is nothing to resume,
/// or what there is was made with other options. The message says which and what to do.
/// </summary>
public sealed class TrainingRefusedException : InvalidOperationException
{
    /// <summary>Makes one without a message.</summary>
    public TrainingRefusedException()
    {
    }

    /// <summary>Makes one.</summary>
    public TrainingRefusedException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one that was caused by another.</summary>
    public TrainingRefusedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>The loss or a weight is no longer a finite number. The run stops; the last checkpoint, from before, is kept.</summary>
public sealed class TrainingDivergedException : ArithmeticException
{
    /// <summary>Makes one without a message.</summary>
    public TrainingDivergedException()
    {
    }

    /// <summary>Makes one.</summary>
    public TrainingDivergedException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one that was caused by another.</summary>
    public TrainingDivergedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal TrainingDivergedException(string what, int epoch, int step, double loss)
        : base($"{what} in step {step} of epoch {epoch}. The last checkpoint, from before, is kept. A lower learning rate or a longer warm-up may help.") =>
        (Epoch, Step, Loss) = (epoch, step, loss);

    /// <summary>The epoch, from 1.</summary>
    public int Epoch { get; }

    /// <summary>The step within the epoch, from 1.</summary>
    public int Step { get; }

    /// <summary>The loss there.</summary>
    public double Loss { get; }
}
