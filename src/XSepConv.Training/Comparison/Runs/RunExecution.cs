using System.Diagnostics;

namespace XSepConv.Training;

/// <summary>Does one run of a comparison in this process, from wherever an earlier process left it.</summary>
internal static class RunExecution
{
    /// <summary>A kill loses at most so many steps.</summary>
    internal const int UsualCheckpointSteps = 200;

    /// <summary>Trains, tests, and writes the outcome.</summary>
    /// <param name="images">The data, as opened for the run's seed.</param>
    /// <param name="ownProcess">Whether this process does nothing else, so that its memory is the run's.</param>
    /// <param name="checkpointSteps">How often it saves.</param>
    /// <returns>False when it was cancelled.</returns>
    /// <exception cref="TrainingRefusedException">The images are no longer those that the comparison began with.</exception>
    public static bool Execute(
        ComparisonFolder folder, ComparisonManifest manifest, ComparedRun run, ImageDataset images, bool ownProcess,
        IProgress<TrainingProgress>? progress, CancellationToken cancel, int checkpointSteps = UsualCheckpointSteps)
    {
        var path = folder.RunPath(run);
        var begun = File.Exists(Path.Combine(path, Checkpoint.LastFileName));
        var options = manifest.Training with
        {
            Network = run.Network.Spec,
            Seed = run.Seed,
            OutputDirectory = path,
            Resume = begun,

            // A run whose checkpoint is gone is made again, to the same bits.
            Overwrite = !begun,
            CheckpointSteps = checkpointSteps,
        };
        RunData.RequireSame(folder, manifest, run, images);
        AwaitPredecessor(options);
        var trainer = new Trainer(options, images);

        // What is told of a run that is tested already is told anew, elsewhere perhaps: that is none of its training.
        if (!trainer.IsTested) NoteMachine(folder, run, begun);
        var memory = ownProcess ? new MemoryWatch(folder, run, progress) : null;
        var load = ownProcess && !trainer.IsTested ? RunLoad.Watch() : null;
        var result = trainer.Run(memory ?? progress, cancel);
        if (load is not null)
        {
            var measured = folder.Measurements(run);
            folder.Write(run, measured with { Load = load().After(measured.Load) });
        }

        if (!result.Completed) return false;

        var test = result.Test ?? throw new InvalidOperationException($"The run in {path} has ended without a test.");
        var file = Path.Combine(path, Checkpoint.BestFileName);
        using var best = Checkpoint.Load(file, TorchDevice.Parse(options.Device));
        var (labels, predictions) = (images.Test.Labels.ToArray(), Predictions(best, images.Test, trainer.Plan.BatchSize));
        RequireBacked(file, best, run, result, labels.Zip(predictions).Count(pair => pair.First == pair.Second));
        folder.Write(manifest, run, new RunOutcome(result.BestEpoch, test, labels, predictions, result.History));
        return true;
    }

    /// <summary>Before it trains: a run that is killed has left times of here in its log.</summary>
    private static void NoteMachine(ComparisonFolder folder, ComparedRun run, bool begun)
    {
        // What was measured of a run that is lost is not this one's.
        var (measured, now) = (begun ? folder.Measurements(run) : new(null, null), MachineReport.Now());
        IReadOnlyList<MachineReport> before = measured.Machines ?? [];
        if (before.Any(machine => machine with { Time = now.Time } == now)) return;
        folder.Write(run, measured with { Machines = [.. before, now] });
    }

    /// <summary>The checkpoint does what the run says that it does.</summary>
    private static void RequireBacked(string file, LoadedCheckpoint best, ComparedRun run, TrainingResult result, int right)
    {
        var (test, epoch) = (result.Test!, result.History[result.BestEpoch - 1].Timeless);

        // The last bits of a logit may differ from one device or number of threads to the next, and so a class or two.
        var allowed = 1 + (test.Images / 1000);
        if (best.Spec.ToJson() == run.Network.Spec.ToJson() && best.Result == epoch
            && Math.Abs(right - (test.Top1 * test.Images)) <= allowed)
        {
            return;
        }

        throw new InvalidDataException(
            $"{file} is not what the run {run.Id} tested: another file has taken its place. Put it back, "
            + $"or delete the folder {Path.GetDirectoryName(file)}: the run is then made again.");
    }

    /// <summary>
    /// A process whose parent was killed needs a moment to see it; it is not the other run that the trainer would refuse.
    /// </summary>
    private static void AwaitPredecessor(TrainingOptions options)
    {
        if (!Directory.Exists(options.OutputDirectory)) return;
        var patience = TimeSpan.FromSeconds(10);
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using (RunDirectory.ForReading(options).Lock()) return;
            }
            catch (TrainingRefusedException) when (Stopwatch.GetElapsedTime(start) < patience)
            {
                Thread.Sleep(20);
            }
        }
    }

    /// <summary>The class that a network takes each image for.</summary>
    private static int[] Predictions(LoadedCheckpoint best, ImageSplit images, int trained)
    {
        var predictions = new List<int>(images.Count);
        Evaluator.Evaluate(
            best.Network, images, best.Normalization, ProcessGroup.Alone, Evaluator.BatchSize(trained, images), null, default,
            (_, logits) => predictions.AddRange(logits.argmax(1).cpu().data<long>().Select(index => (int)index)));
        return [.. predictions];
    }

    /// <summary>
    /// Notes the most memory that training took: after the last step of the first epoch that this process trains, before anything is
    /// validated, in batches of another size.
    /// </summary>
    private sealed class MemoryWatch(
        ComparisonFolder folder, ComparedRun run, IProgress<TrainingProgress>? next) : IProgress<TrainingProgress>
    {
        private readonly long? start = ProcessMemory.Now();
        private bool done;

        public void Report(TrainingProgress value)
        {
            done |= value.Phase != "train";
            if (!done && value.Step == value.Steps)
            {
                done = true;
                var before = folder.Measurements(run);
                var peak = ProcessMemory.Peak();
                if (peak is not null && (before.PeakBytes ?? 0) < peak)
                {
                    folder.Write(run, before with { PeakBytes = peak, StartBytes = start });
                }
            }

            next?.Report(value);
        }
    }
}
