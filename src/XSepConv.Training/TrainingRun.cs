using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>A run at work: where it is, and what takes it further.</summary>
internal sealed class TrainingRun(
    TrainingOptions options,
    TrainingPlan plan,
    ImageDataset data,
    RunDirectory directory,
    MobileNetV3 network,
    Sgd optimizer,
    TrainingState start,
    IProgress<TrainingProgress>? progress)
{
    private readonly CheckpointWriter _checkpoints = new(network, optimizer, data);
    private readonly Device _device = network.parameters().First().device;
    private readonly Speedometer _speed = new();

    /// <summary>Where the run is.</summary>
    public TrainingState State { get; private set; } = start;

    /// <summary>Trains, validates and tests.</summary>
    /// <returns>False when it was cancelled: all that was done is saved.</returns>
    public bool ToEnd(CancellationToken cancel)
    {
        if (options.Resume)
        {
            _checkpoints.Restore(directory.Last);
            directory.WriteLog(State.History);
        }
        else
        {
            // A run can be resumed from its first moment on.
            directory.Clear();
            Save();
        }

        while (State.EpochsDone < options.Epochs)
        {
            if (!Train(cancel) || !Validate(cancel)) return false;
        }

        return Test(cancel);
    }

    /// <summary>The steps of an epoch that are left.</summary>
    private bool Train(CancellationToken cancel)
    {
        var epoch = State.EpochsDone + 1;
        var source = BatchSource.ForTraining(data.Train, data.Normalization, plan.BatchSize, plan.Augmentation, options.Seed, epoch);
        var (before, waitBefore) = (State.Seconds, State.WaitSeconds);
        var watch = Stopwatch.StartNew();
        network.train();
        foreach (var batch in source.From(State.StepsDone, options.Workers))
        {
            var rate = plan.Schedule.At(((long)(epoch - 1) * plan.StepsPerEpoch) + State.StepsDone);
            var (loss, correct) = Step(batch, epoch, rate);
            State = State with
            {
                StepsDone = State.StepsDone + 1,
                LossSum = State.LossSum + loss,
                Correct = State.Correct + correct,
                Seconds = before + watch.Elapsed.TotalSeconds,
                WaitSeconds = waitBefore + source.Waited.TotalSeconds,
            };
            _speed.Add(batch.Count);
            progress?.Report(new(epoch, options.Epochs, State.StepsDone, plan.StepsPerEpoch, loss, _speed.PerSecond, rate, "train", null));

            var cancelled = cancel.IsCancellationRequested;
            if (cancelled || (options.CheckpointSteps is { } every && State.StepsDone % every == 0)) Save();
            if (cancelled) return false;
        }

        return true;
    }

    private (double Loss, long Correct) Step(Batch batch, int epoch, double learningRate)
    {
        using var scope = NewDisposeScope();
        var step = State.StepsDone;
        using (manual_seed((long)(CounterRandom.For(options.Seed, CounterRandom.Stream.Torch, epoch, step).NextBits() >> 1)))
        {
        }

        var labels = TensorBatch.Labels(batch, _device);
        var logits = network.call(TensorBatch.Images(batch, data.Train, _device, ScalarType.Float32));
        var loss = batch.IsMixed
            ? MixedLoss.Of(logits, labels, TensorBatch.Weights(batch, _device), options.LabelSmoothing)
            : nn.functional.cross_entropy(logits, labels, label_smoothing: options.LabelSmoothing);
        var value = loss.ToDouble();
        if (!double.IsFinite(value)) throw new TrainingDivergedException($"The loss is {value}", epoch, step + 1, value);

        loss.backward();
        optimizer.Step(learningRate);
        using var noGrad = no_grad();
        return (value, logits.argmax(1).eq(labels).sum().ToInt64());
    }

    /// <summary>The validation of the epoch that has been trained, its line in the log and its checkpoints.</summary>
    private bool Validate(CancellationToken cancel)
    {
        var epoch = State.EpochsDone + 1;
        RequireFinite(epoch);
        if (Measure(network, data.Validation, "validate", cancel) is not { } validation)
        {
            Save();
            return false;
        }

        if (!double.IsFinite(validation.Loss)) throw new TrainingDivergedException($"The validation loss is {validation.Loss}", epoch, State.StepsDone, validation.Loss);
        var images = (long)plan.StepsPerEpoch * plan.BatchSize;
        var best = State.BestEpoch;
        var result = new EpochResult(
            epoch,
            TrainLoss: State.LossSum / plan.StepsPerEpoch,
            TrainTop1: (double)State.Correct / images,
            ValidationLoss: validation.Loss,
            ValidationTop1: validation.Top1,
            LearningRate: plan.Schedule.At(((long)epoch * plan.StepsPerEpoch) - 1),
            Best: best is null || validation.Top1 > best.ValidationTop1 || (validation.Top1 == best.ValidationTop1 && validation.Loss < best.ValidationLoss));
        var timed = result with { Seconds = Math.Round(State.Seconds, 3), ImagesPerSecond = Math.Round(images / Math.Max(State.Seconds, 1e-9), 2), DataWait = Math.Round(State.WaitSeconds / Math.Max(State.Seconds, 1e-9), 4) };

        // The checkpoint comes last: a kill before it leaves the epoch to be trained again, to the same end; a resumed run puts the log right.
        if (result.Best) _checkpoints.WriteBest(directory.Best, result);
        directory.WriteLog([.. State.History, timed]);
        State = State with { EpochsDone = epoch, StepsDone = 0, LossSum = 0, Correct = 0, Seconds = 0, WaitSeconds = 0, History = [.. State.History, result] };
        Save();
        progress?.Report(new(epoch, options.Epochs, plan.StepsPerEpoch, plan.StepsPerEpoch, result.TrainLoss, timed.ImagesPerSecond.Value, result.LearningRate, "epoch", timed));
        return true;
    }

    /// <summary>The one look at the test split, with the weights that validated best.</summary>
    private bool Test(CancellationToken cancel)
    {
        using var best = MobileNetV3.FromSafeTensors(directory.Best, _device);
        if (Measure(best, data.Test, "test", cancel) is not { } test) return false;
        State = State with { Test = test };
        Save();
        return true;
    }

    private EvaluationResult? Measure(MobileNetV3 measured, ImageSplit images, string phase, CancellationToken cancel)
    {
        _speed.Reset();
        var loss = State.StepsDone > 0 ? State.LossSum / State.StepsDone : double.NaN;
        var epoch = Math.Min(State.EpochsDone + 1, options.Epochs);
        var before = 0;
        var report = progress is null ? null : new Immediate<int>(done =>
        {
            _speed.Add(done - before);
            before = done;
            progress.Report(new(epoch, options.Epochs, done, images.Count, loss, _speed.PerSecond, 0, phase, null));
        });
        try
        {
            return Evaluator.Evaluate(measured, images, data.Normalization, Math.Max(plan.BatchSize, 256), report, cancel);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        finally
        {
            _speed.Reset();
        }
    }

    private void Save()
    {
        RequireFinite(State.EpochsDone + 1);
        _checkpoints.WriteLast(directory.Last, State);
    }

    /// <summary>No checkpoint is ever overwritten by one that can't go on.</summary>
    private void RequireFinite(int epoch)
    {
        if (!_checkpoints.IsFinite()) throw new TrainingDivergedException("A weight is no longer a finite number", epoch, State.StepsDone, double.NaN);
    }

    private sealed class Immediate<T>(Action<T> report) : IProgress<T>
    {
        public void Report(T value) => report(value);
    }
}
