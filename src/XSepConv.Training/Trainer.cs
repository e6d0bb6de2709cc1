using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>
/// Trains a network: SGD with momentum, warm-up and cosine, label smoothing, augmentation; validates after each epoch; tests the best epoch once.
/// </summary>
/// <remarks>
/// <para>The checkpoint of a cancelled or killed run continues it to the same bits as a run that was not interrupted, on CPU with the same number
/// of threads. Cancelling ends a run after the current step, saved there; a kill loses what came after the last checkpoint.</para>
/// <para>Torch's generator and number of threads are the process's: <see cref="Run"/> sets the generator in every step.</para>
/// </remarks>
public sealed class Trainer
{
    private readonly TrainingOptions _options;
    private readonly ImageDataset _data;
    private readonly RunDirectory _directory;
    private readonly Device _device;
    private readonly TrainingState _start;

    /// <summary>Checks options, data, output directory and, when resuming, the checkpoint. Nothing is trained, no file of a run is changed.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="data">What to learn.</param>
    /// <exception cref="ArgumentException">Options are out of range or do not fit the data; all are listed.</exception>
    /// <exception cref="TrainingRefusedException">The output directory can't be written or holds another run, or a resume is not possible.</exception>
    /// <exception cref="InvalidDataException">The checkpoint to resume is damaged.</exception>
    public Trainer(TrainingOptions options, ImageDataset data)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(data);
        options.Validate(data);
        options.Network.Validate();
        (_options, _data) = (options, data);
        _device = TorchDevice.Parse(options.Device);
        _directory = RunDirectory.Prepare(options);

        var steps = BatchSource.StepsOf(data.Train, options.BatchSize);
        var total = (long)options.Epochs * steps;
        var warmup = Math.Min((long)Math.Round(options.WarmupEpochs * steps), total / 2);
        var threads = options.Threads ?? get_num_threads();
        var settings = RunSettings.Of(options, data);
        _start = new TrainingState { Settings = settings, Threads = threads, Device = _device.type.ToString() };
        var notes = new List<string>();
        if (options.Resume)
        {
            var saved = _directory.ReadState();
            RunSettings.RequireSame(saved.Settings, settings, _directory.Last);
            if (saved.StepsDone > steps || saved.EpochsDone > options.Epochs)
            {
                throw new InvalidDataException($"{_directory.Last}: is at step {saved.StepsDone} of epoch {saved.EpochsDone + 1}, beyond the run's end.");
            }

            if (saved.Threads != threads) notes.Add($"The run began on {saved.Threads} threads and goes on with {threads}: its last bits will differ from an uninterrupted run's.");
            if (saved.Device != _start.Device) notes.Add($"The run began on {saved.Device} and goes on with {_start.Device}: its last bits will differ from an uninterrupted run's.");
            _start = saved with { Threads = threads, Device = _start.Device, Settings = settings };
        }

        Plan = new TrainingPlan
        {
            Network = options.Network,
            Data = data.Name,
            DataSource = data.Source,
            DataIsSynthetic = data.IsSynthetic,
            TrainImages = data.Train.Count,
            ValidationImages = data.Validation.Count,
            TestImages = data.Test.Count,
            ImageShape = (data.Train.Channels, data.Train.Height, data.Train.Width),
            Augmentation = options.AugmentationFor(data),
            Device = _device.ToString(),
            Threads = threads,
            BatchSize = Math.Min(options.BatchSize, data.Train.Count),
            Epochs = options.Epochs,
            StepsPerEpoch = steps,
            Schedule = new LearningRateSchedule(options.LearningRate, total, warmup),
            StartEpoch = _start.EpochsDone + 1,
            StartStep = _start.StepsDone,
            OutputDirectory = _directory.FullName,
            Notes = notes,
        };
    }

    /// <summary>What <see cref="Run"/> will do.</summary>
    public TrainingPlan Plan { get; }

    /// <summary>Trains to the end, or until cancelled.</summary>
    /// <param name="progress">Told about every step, on this thread.</param>
    /// <param name="cancel">Ends the run after the current step, saved.</param>
    /// <exception cref="TrainingDivergedException">The loss or a weight is no longer finite; the last checkpoint is kept.</exception>
    /// <exception cref="TrainingRefusedException">Another run is writing to the output directory.</exception>
    /// <exception cref="IOException">A file can't be written; the last checkpoint is kept.</exception>
    public TrainingResult Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancel = default)
    {
        using var onlyOne = _directory.Lock();
        if (_options.Threads is { } threads) set_num_threads(threads);
        if (_start.Test is not null) return Result(_start, completed: true);

        using (manual_seed(_options.Seed))
        {
        }

        using var network = new MobileNetV3(_options.Network, _device);
        using var optimizer = new Sgd(network, _options.Momentum, _options.WeightDecay, _options.Nesterov);
        var run = new TrainingRun(_options, Plan, _data, _directory, network, optimizer, _start, progress);
        return run.ToEnd(cancel) ? Result(run.State, completed: true) : Result(run.State, completed: false);
    }

    private static TrainingResult Result(TrainingState state, bool completed) => new(
        state.EpochsDone, completed, state.BestEpoch?.ValidationTop1 ?? double.NaN, state.BestEpoch?.Epoch ?? 0, state.Test, state.History);
}
