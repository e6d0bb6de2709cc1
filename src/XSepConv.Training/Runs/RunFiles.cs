using System.Globalization;

namespace XSepConv.Training;

/// <summary>
/// All that a run writes, in an order that a kill at any moment leaves a run to be resumed. Of several processes only the first writes.
/// </summary>
internal sealed class RunFiles(RunDirectory directory, CheckpointWriter checkpoints, RunCurves curves, ProcessGroup processes)
{
    private TrainingState? _saved;

    /// <summary>What could not be made besides the checkpoints; null when all could.</summary>
    public string? Problem => curves.Problem;

    /// <summary>Removes the run that was there and saves this one's beginning.</summary>
    public void Begin(TrainingState state)
    {
        Write(() =>
        {
            directory.Clear();
            curves.Start([]);
        });
        Save(state);
    }

    /// <summary>Brings a run back, and makes the other files say what its checkpoint says.</summary>
    public void Continue(TrainingState state, long steps)
    {
        checkpoints.Restore(directory.Last, steps);
        _saved = state;
        Write(() =>
        {
            if (state.HoldsBest) checkpoints.WriteBest(directory.Best, state.History[^1]);
            directory.WriteLog(state.History);
            curves.Start(state.History);
        });
    }

    /// <summary>
    /// The checkpoint comes first: with it the epoch is kept, and a resumed run makes the rest from it. The best epoch's weights never run
    /// ahead of it: an epoch that is trained again on another machine may not be the best.
    /// </summary>
    /// <param name="state">The state after the epoch.</param>
    /// <param name="timed">The epoch's result with its times.</param>
    public void EndEpoch(TrainingState state, EpochResult timed)
    {
        Save(state);
        Write(() =>
        {
            if (timed.Best) checkpoints.WriteBest(directory.Best, timed.Timeless);
            directory.WriteLog([.. state.History.SkipLast(1), timed]);
            curves.Add([.. state.History.SkipLast(1), timed]);
        });
    }

    public void Save(TrainingState state)
    {
        RequireFinite(state);
        Write(() => checkpoints.WriteLast(directory.Last, state));
        _saved = state;
    }

    /// <summary>No checkpoint is ever overwritten by one that can't go on.</summary>
    /// <exception cref="TrainingDivergedException">A weight is no longer a finite number.</exception>
    public void RequireFinite(TrainingState state)
    {
        if (!checkpoints.IsFinite())
        {
            throw new TrainingDivergedException("A weight is no longer a finite number", state.EpochsDone + 1, state.StepsDone, double.NaN);
        }
    }

    /// <summary>What is kept, for the message of an error.</summary>
    public string Kept() => _saved is null ? "nothing was trained yet"
        : string.Create(
            CultureInfo.InvariantCulture, $"{directory.Last} is kept, from {_saved.EpochsDone} whole epochs and {_saved.StepsDone} steps");

    private void Write(Action write)
    {
        if (!processes.IsFirst) return;
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException || AtomicFile.IsTooLong(e))
        {
            var size = File.Exists(directory.Last) ? RegularFile.Length(directory.Last) : 0;
            var room = size > 0
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $" (a checkpoint takes {(size / 1_000_000.0) + 0.1:0.0} MB, and as much again while it is replaced)")
                : "";
            var next = File.Exists(directory.Last) ? "resume the run" : "start the run again; there is nothing to resume yet";
            throw new TrainingStorageException(
                $"The run can't be written: {e.Message.TrimEnd('.')}; {Kept()}. Make room{room} or see to the permissions, "
                + $"then {next}.", e);
        }
    }
}
