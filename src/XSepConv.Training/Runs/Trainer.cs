using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>
/// Trains a network by a recipe (<see cref="TrainingOptions"/>), alone or with other processes; validates after each epoch; tests the best
/// epoch once.
/// </summary>
/// <remarks>
/// <para>The checkpoint of a cancelled or killed run continues it to the same bits as a run that was not interrupted, on CPU with the same
/// number of threads. Cancelling ends a run after the current step, saved there; a kill loses what came after the last checkpoint.</para>
/// <para>Torch's generator and number of threads are the process's: <see cref="Run"/> sets the generator in every step.</para>
/// </remarks>
public sealed class Trainer
{
    private readonly TrainingOptions _options;
    private readonly ImageDataset _data;
    private readonly RunDirectory _directory;
    private readonly Device _device;
    private readonly TrainingState _start;

    // As it was read, where the run is resumed: the start has this machine's threads and device in its place.
    private readonly TrainingState? _saved;
    private readonly ProcessGroup _processes;

    /// <summary>
    /// Checks options, data, output directory and, when resuming, the checkpoint. Nothing is trained, no file of a run is changed.
    /// </summary>
    /// <param name="options">What to do.</param>
    /// <param name="data">What to learn.</param>
    /// <param name="processes">
    /// The processes that train together; this one alone when null. All have the same options and data. Each takes its share of every
    /// batch, normalised by its own statistics, and the gradients and the running statistics are averaged, so that the weights, though not
    /// those statistics, are those of one process which accumulates batches of that share. An exception here or in <see cref="Run"/> leaves
    /// the others waiting; all end when the group is disposed of, or with <see cref="ProcessGroup.Abort"/>.
    /// </param>
    /// <exception cref="ArgumentException">Options are out of range or do not fit the data; all are listed.</exception>
    /// <exception cref="TrainingRefusedException">
    /// The output directory can't be written or holds another run, or a resume is not possible.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// The checkpoint to resume, or the one with the initial weights, is damaged, or that one holds another network.
    /// </exception>
    /// <exception cref="FileNotFoundException">The initial weights are not there.</exception>
    /// <exception cref="DllNotFoundException">libtorch can't be loaded; the message names the remedy.</exception>
    public Trainer(TrainingOptions options, ImageDataset data, ProcessGroup? processes = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(data);
        _processes = processes ?? ProcessGroup.Alone;
        try
        {
            options.Network.Validate();
            options.Validate(data);
            options = options with { Network = options.Recipe.Of(options.Network) };
            string[] start = [.. TrainingStart.Describe(options, data)];
            (_options, _data) = (options, data);
            var recipe = options.Recipe;
            var batch = Math.Min(recipe.BatchSize, data.Train.Count);
            if (_processes.Size > 1) RequireShares(batch, _processes.Size);
            _device = TorchDevice.Parse(options.Device);
            _directory = _processes.IsFirst ? RunDirectory.Prepare(options) : RunDirectory.ForReading(options);

            var steps = recipe.StepsPerEpoch(data.Train);
            var cores = Environment.ProcessorCount;
            var settings = RunSettings.Of(options, data);
            var saved = _saved = options.Resume ? _directory.ReadState() : null;
            var threads = (options.Threads ?? saved?.Threads) is { } wanted ? Math.Min(wanted, cores) : TorchDevice.UsualThreads;
            _start =
                new TrainingState { Settings = settings, Threads = threads, Device = _device.type.ToString(), Processes = _processes.Size };
            List<string> notes = LearningRateSchedule.WarmupNote(recipe, steps) is { } warmup ? [warmup] : [];
            if (TrainingStart.StatisticsNote(options, steps * recipe.AccumulateBatches) is { } statistics) notes.Add(statistics);
            if (threads < options.Threads)
            {
                notes.Add(
                    $"Threads are {options.Threads}, this machine has {cores} core{(cores == 1 ? "" : "s")}: so many are used. "
                    + "More would wait for each other.");
            }

            if (saved is not null)
            {
                RunSettings.RequireSame(saved.Settings, settings, _directory.Last);
                if (saved.StepsDone > steps || saved.EpochsDone > recipe.Epochs)
                {
                    throw new InvalidDataException(
                        $"{_directory.Last}: is at step {saved.StepsDone} of epoch {saved.EpochsDone + 1}, beyond the run's end.");
                }

                if (saved.Threads != threads)
                {
                    notes.Add(
                        $"The run began on {saved.Threads} threads and goes on with {threads}: "
                        + "its last bits will differ from an uninterrupted run's.");
                }

                if (saved.Processes != _processes.Size)
                {
                    notes.Add(
                        $"The run began with {saved.Processes} processes and goes on with {_processes.Size}: "
                        + "each batch is normalised in other shares.");
                }

                if (saved.Device != _start.Device)
                {
                    notes.Add(
                        $"The run began on {saved.Device} and goes on with {_start.Device}: "
                        + "its last bits will differ from an uninterrupted run's.");
                }

                _start = saved with { Threads = threads, Device = _start.Device, Processes = _processes.Size, Settings = settings };
            }

            Plan = new TrainingPlan
            {
                Network = options.Network,
                Data = data,
                Augmentation = options.AugmentationFor(data),
                Normalization = options.NormalizationFor(data),
                Start = start,
                Device = _device.ToString(),
                Threads = threads,
                BatchSize = batch,
                BatchesPerStep = recipe.AccumulateBatches,
                Processes = _processes.Size,
                Epochs = recipe.Epochs,
                StepsPerEpoch = steps,
                Schedule = LearningRateSchedule.Of(recipe, steps),
                StartEpoch = _start.EpochsDone + 1,
                StartStep = _start.StepsDone,
                OutputDirectory = _directory.FullName,
                Notes = notes,
            };
            _processes.Failure = null;
        }
        catch (Exception e)
        {
            _processes.Fail(e);
            throw;
        }
    }

    internal TrainingPlan Plan { get; }

    /// <summary>Whether nothing is left to do: its run has ended, with a test.</summary>
    internal bool IsTested => _start.Test is not null;

    /// <summary>Trains to the end, or until cancelled.</summary>
    /// <param name="progress">Told about every step, on this thread.</param>
    /// <param name="cancel">Ends the run after the current step, saved.</param>
    /// <exception cref="TrainingDivergedException">The loss or a weight is no longer finite; the last checkpoint is kept.</exception>
    /// <exception cref="TrainingRefusedException">Another run is writing to the output directory, or has written there since.</exception>
    /// <exception cref="TrainingStorageException">A file can't be written; the last checkpoint is kept.</exception>
    /// <exception cref="TrainingMemoryException">There is not enough memory; the last checkpoint is kept.</exception>
    public TrainingResult Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancel = default)
    {
        try
        {
            return ToEnd(progress, cancel);
        }
        catch (Exception e)
        {
            _processes.Fail(e);
            throw;
        }
    }

    private TrainingResult ToEnd(IProgress<TrainingProgress>? progress, CancellationToken cancel)
    {
        using var onlyOne = _processes.IsFirst ? _directory.Lock() : null;
        if (_processes.IsFirst) _directory.RequireFree(_options);

        // Each process read the checkpoint by itself, and none may go on from it alone.
        if (_saved is not null && _processes.Any(!_directory.Holds(_saved)))
        {
            throw new TrainingRefusedException(
                $"{_directory.Last} is no longer as this trainer read it: the run has gone on since, or was begun anew. "
                + "Make another trainer, which resumes from where it is now.");
        }

        if (Plan.Threads != get_num_threads()) set_num_threads(Plan.Threads);
        if (IsTested) return Result(_start, completed: true, null);

        using (manual_seed(_options.Seed))
        {
        }

        TrainingRun? run = null;
        try
        {
            using var network = TrainingStart.Build(_options, _device, _data.ClassNames);
            using var optimizer = ParameterOptimizer.Of(_options.Recipe, network, _options.LearningRates);
            using var average = _options.Recipe.EmaDecay > 0 ? new ModelEma(network, _options.Recipe.EmaDecay) : null;
            run = new TrainingRun(_options, Plan, _data, _directory, network, optimizer, average, _processes, _start, progress);
            var completed = run.ToEnd(cancel);
            return Result(run.State, completed, run);
        }
        catch (Exception e) when (TrainingMemoryException.IsCause(e))
        {
            var kept = run?.Files.Kept() ?? "nothing was trained yet";
            throw new TrainingMemoryException(
                run?.Measured is { } images
                    ? $"There is not enough memory to validate {images} images at once; {kept}. Smaller images need less, and so does "
                    + "a smaller width."
                    : $"There is not enough memory for batches of {Plan.BatchSize / _processes.Size} images; {kept}. "
                    + "A smaller batch needs less, and as many more accumulated batches keep the images of a step; "
                    + "so does a smaller width.", e);
        }
    }

    private static void RequireShares(int batch, int processes)
    {
        if (batch % processes == 0 && batch / processes >= 2) return;
        throw new ArgumentException(
            $"The batch size is {batch}, it must be a multiple of the {processes} processes, and at least 2 for each.",
            nameof(batch));
    }

    private TrainingResult Result(TrainingState state, bool completed, TrainingRun? run) => new(
        state.EpochsDone, completed, state.BestEpoch?.ValidationTop1 ?? double.NaN, state.BestEpoch?.Epoch ?? 0, state.Test, state.History)
    {
        StoppedEarly = completed && state.EpochsDone < _options.Recipe.Epochs,
        Problem = run?.Files.Problem,
    };
}
