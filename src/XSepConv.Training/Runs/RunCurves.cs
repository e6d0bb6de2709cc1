namespace XSepConv.Training;

/// <summary>
/// What a run shows of itself besides its log: TensorBoard's events and a picture. It goes on without what can't be made here, and says so
/// once.
/// </summary>
internal sealed class RunCurves(RunDirectory directory, TrainingPlan plan)
{
    private readonly EventFile _events = new(directory.Events);
    private bool _drawn = true;

    /// <summary>Why there is no picture, once that is known.</summary>
    public string? Problem { get; private set; }

    /// <summary>Begins, or goes on after the epochs of a checkpoint.</summary>
    public void Start(IReadOnlyList<EpochResult> history)
    {
        _events.Write(history);
        if (history.Count > 0) Draw(history);
    }

    /// <summary>An epoch has ended, the last of a history.</summary>
    public void Add(IReadOnlyList<EpochResult> history)
    {
        _events.Append(history[^1]);
        Draw(history);
    }

    private void Draw(IReadOnlyList<EpochResult> history)
    {
        if (!_drawn) return;
        try
        {
            LearningCurves.Draw(directory.Curves, $"{plan.Network.Name} on {plan.Data.Name}", history);
        }
        catch (Exception e) when (e is not IOException)
        {
            // The graphics library is native, and not there for every system; no picture is worth a training run.
            (_drawn, Problem) =
                (false, $"{Path.GetFileName(directory.Curves)} can't be drawn here: {e.GetBaseException().Message.Split('\n')[0].Trim()}");
        }
    }
}
