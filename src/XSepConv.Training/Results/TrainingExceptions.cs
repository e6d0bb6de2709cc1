using System.Runtime.InteropServices;

namespace XSepConv.Training;

/// <summary>
/// A run does not start, and nothing was changed: the output directory can't be written or holds another run, or there is nothing to
/// resume, or what there is was made with other options. The message says which and what to do.
/// </summary>
public sealed class TrainingRefusedException : InvalidOperationException
{
    internal TrainingRefusedException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>
/// The loss or a weight is no longer a finite number. A run stops, and its last checkpoint, from before, is kept; a
/// <see cref="TrainingStep"/> has not moved the weights.
/// </summary>
public sealed class TrainingDivergedException : ArithmeticException
{
    internal TrainingDivergedException(
        string what, int epoch, int step, double loss, string kept = "The last checkpoint, from before, is kept.")
        : base($"{what} in step {step} of epoch {epoch}. {kept} "
            + "A lower learning rate, a longer warm-up or clipped gradients may help.") =>
        (Epoch, Step, Loss) = (epoch, step, loss);

    /// <summary>The epoch, from 1.</summary>
    public int Epoch { get; }

    /// <summary>The step within the epoch, from 1.</summary>
    public int Step { get; }

    /// <summary>The loss there.</summary>
    public double Loss { get; }
}

/// <summary>
/// A file of the run can't be written, for example because the disk is full. The run stops; the last checkpoint is kept, and the message
/// says what to do.
/// </summary>
public sealed class TrainingStorageException : IOException
{
    internal TrainingStorageException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>
/// A step or a validation needs more memory than there is. The run stops; the last checkpoint is kept, and the message says what to do.
/// </summary>
public sealed class TrainingMemoryException : InvalidOperationException
{
    private static readonly string[] Signs = ["can't allocate memory", "out of memory", "bad_alloc"];

    internal TrainingMemoryException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether an exception of libtorch or .NET says that memory is used up.</summary>
    internal static bool IsCause(Exception e) => e is OutOfMemoryException
        || (e is ExternalException && Signs.Any(sign => e.Message.Contains(sign, StringComparison.OrdinalIgnoreCase)));
}
