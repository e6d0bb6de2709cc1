using System.Diagnostics;

namespace XSepConv.Training;

/// <summary>A run at work: where it is, and what takes it further.</summary>
internal sealed class TrainingRun(
    TrainingOptions options,
    TrainingPlan plan,
    ImageDataset data,
    RunDirectory directory,
    MobileNet network,
    ParameterOptimizer optimizer,
    ModelEma? average,
    ProcessGroup processes,
    TrainingState start,
    IProgress<TrainingProgress>? progress)
{
    private readonly RunStep _step = new(options.Recipe, options.Seed, data.Train, network, optimizer, average, processes);
    private readonly Speedometer _speed = new();
    private bool _validated;

    public RunFiles Files { get; } = new(
        directory, new CheckpointWriter(network, optimizer, average, data, plan.Normalization), new RunCurves(directory, plan), processes);

    public TrainingState State { get; private set; } = start;

    /// <summary>Images that are validated or tested at once; null while the network trains.</summary>
    public int? Measured { get; private set; }

    private long StepsBefore => ((long)State.EpochsDone * plan.StepsPerEpoch) + State.StepsDone;

    private bool IsExhausted =>
        options.Recipe.Patience is { } patience && State.BestEpoch is { } best && State.EpochsDone - best.Epoch >= patience;

    /// <summary>Trains, validates and tests.</summary>
    /// <returns>False when it was cancelled: all that was done is saved.</returns>
    public bool ToEnd(CancellationToken cancel)
    {
        if (options.Resume)
        {
            Files.Continue(State, StepsBefore);
        }
        else
        {
            // A run can be resumed from its first moment on.
            Files.Begin(State);
        }

        while (State.EpochsDone < plan.Epochs && !IsExhausted)
        {
            if (!Train(cancel) || !Validate(cancel)) return false;
        }

        return Test(cancel);
    }

    private bool Train(CancellationToken cancel)
    {
        var epoch = State.EpochsDone + 1;
        var (share, batchesPerStep) = (plan.BatchSize / processes.Size, plan.BatchesPerStep * processes.Size);
        var source = BatchSource.ForTraining(
            data.Train, plan.Normalization, share, plan.Augmentation, options.Seed, epoch, plan.StepsPerEpoch * batchesPerStep);
        var (before, waitBefore) = (State.Seconds, State.WaitSeconds);
        var watch = Stopwatch.StartNew();
        network.train();
        using var batches = source.From(
            (State.StepsDone * batchesPerStep) + processes.Rank, options.Workers, processes.Size).GetEnumerator();
        while (State.StepsDone < plan.StepsPerEpoch)
        {
            var rate = plan.Schedule.At(StepsBefore);
            var (loss, correct) = _step.Run(batches, epoch, State.StepsDone, StepsBefore, rate);
            State = State with
            {
                StepsDone = State.StepsDone + 1,
                LossSum = State.LossSum + loss,
                Correct = State.Correct + correct,
                Seconds = before + watch.Elapsed.TotalSeconds,
                WaitSeconds = waitBefore + source.Waited.TotalSeconds,
            };
            _speed.Add(plan.ImagesPerStep);
            progress?.Report(new(epoch, plan.Epochs, State.StepsDone, plan.StepsPerEpoch, loss, _speed.PerSecond, rate, "train", null));

            var cancelled = processes.Any(cancel.IsCancellationRequested);
            if (cancelled || (options.CheckpointSteps is { } every && State.StepsDone % every == 0))
            {
                // Writing is no training.
                watch.Stop();
                Files.Save(State);
                watch.Start();
            }

            if (cancelled) return false;
        }

        return true;
    }

    /// <summary>The validation of the epoch that has been trained, its line in the log and its checkpoints.</summary>
    private bool Validate(CancellationToken cancel)
    {
        var epoch = State.EpochsDone + 1;

        // A first validation that memory does not suffice for, or that is killed, loses no step.
        if (_validated) Files.RequireFinite(State);
        else Files.Save(State);
        if (Measure(average?.Network ?? network, data.Validation, "validate", cancel) is not { } validation)
        {
            Files.Save(State);
            return false;
        }

        _validated = true;
        if (!double.IsFinite(validation.Loss))
        {
            throw new TrainingDivergedException(
                FormattableString.Invariant($"The validation loss is {validation.Loss}"), epoch, State.StepsDone, validation.Loss);
        }

        var images = (long)plan.StepsPerEpoch * plan.ImagesPerStep;
        var best = State.BestEpoch;
        var result = new EpochResult(
            epoch,
            TrainLoss: State.LossSum / plan.StepsPerEpoch,
            TrainTop1: (double)State.Correct / images,
            ValidationLoss: validation.Loss,
            ValidationTop1: validation.Top1,
            LearningRate: plan.Schedule.At(((long)epoch * plan.StepsPerEpoch) - 1),
            Best: best is null || validation.Top1 > best.ValidationTop1
                || (validation.Top1 == best.ValidationTop1 && validation.Loss < best.ValidationLoss))
        {
            SkippedImages = data.Findings.Skipped.Count is > 0 and var skipped ? skipped : null,
        };
        var seconds = Math.Max(State.Seconds, 1e-9);
        var timed = result with
        {
            Seconds = Math.Round(State.Seconds, 3),
            ImagesPerSecond = Math.Round(images / seconds, 2),
            DataWait = Math.Round(State.WaitSeconds / seconds, 4),
        };
        var next = State with { StepsDone = 0, LossSum = 0, Correct = 0, Seconds = 0, WaitSeconds = 0 };
        next = next with { EpochsDone = epoch, History = [.. State.History, result] };
        Files.EndEpoch(next, timed);
        State = next;
        progress?.Report(
            new(
                epoch, plan.Epochs, plan.StepsPerEpoch, plan.StepsPerEpoch, result.TrainLoss, timed.ImagesPerSecond.Value,
                result.LearningRate, "epoch", timed));
        return true;
    }

    /// <summary>The one look at the test split, with the weights that validated best.</summary>
    private bool Test(CancellationToken cancel)
    {
        // The first process has written the file before it says so.
        processes.Any(false);
        using var best = Checkpoint.Load(directory.Best, network.parameters().First().device);
        if (best.Spec.ToJson() != network.Spec.ToJson() || best.Result != State.BestEpoch?.Timeless)
        {
            throw new InvalidDataException(
                $"{directory.Best} is not the best epoch of this run: another file has taken its place, so it can't be tested.");
        }

        if (Measure(best.Network, data.Test, "test", cancel) is not { } test) return false;
        if (!double.IsFinite(test.Loss))
        {
            throw new TrainingDivergedException(
                FormattableString.Invariant($"The test loss is {test.Loss}"), best.Epoch, plan.StepsPerEpoch, test.Loss);
        }

        State = State with { Test = test };
        Files.Save(State);
        return true;
    }

    private EvaluationResult? Measure(MobileNet measured, ImageSplit images, string phase, CancellationToken cancel)
    {
        _speed.Reset();
        var loss = State.StepsDone > 0 ? State.LossSum / State.StepsDone : double.NaN;
        var epoch = Math.Min(State.EpochsDone + 1, plan.Epochs);
        var before = 0;
        var report = progress is null ? null : new Immediate<int>(done =>
        {
            _speed.Add(done - before);
            before = done;
            progress.Report(new(epoch, plan.Epochs, done, images.Count, loss, _speed.PerSecond, 0, phase, null));
        });
        try
        {
            // One process of several must not leave while the others wait for its share.
            var together = processes.Size > 1;
            Measured = Evaluator.BatchSize(plan.BatchSize / processes.Size, images);
            var result = Evaluator.Evaluate(
                measured, images, plan.Normalization, processes, Measured.Value, report, together ? default : cancel);
            Measured = null;
            return together && processes.Any(cancel.IsCancellationRequested) ? null : result;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        finally
        {
            _speed.Reset();

            // The weights will have changed by the next time.
            measured.Evaluation.Release();
        }
    }

    private sealed class Immediate<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }
}
