namespace XSepConv.Training;

/// <summary>What a training run does. The defaults are the recipe <c>quick</c> of <see cref="TrainingRecipe"/>.</summary>
public sealed record TrainingOptions
{
    /// <summary>The network to train; its channels and classes are those of the data.</summary>
    public required NetworkSpec Network { get; init; }

    /// <summary>Where <c>last.safetensors</c>, <c>best.safetensors</c>, <c>log.jsonl</c> and the curves go; made if it is not there.</summary>
    public required string OutputDirectory { get; init; }

    /// <summary>Passes over the training split. The learning rate ends with the last one.</summary>
    public int Epochs { get; init; } = 3;

    /// <summary>Images in a batch, at least 2 (batch normalisation needs more than one).</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>How many batches one step takes the mean gradient of; each is normalised by its own statistics.</summary>
    public int AccumulateBatches { get; init; } = 1;

    /// <summary>How weights follow their gradients.</summary>
    public OptimizerKind Optimizer { get; init; }

    /// <summary>The learning rate after warm-up.</summary>
    public double LearningRate { get; init; } = 0.02;

    /// <summary>What the learning rate does after warm-up.</summary>
    public ScheduleKind Schedule { get; init; }

    /// <summary>Momentum of SGD, in [0, 1).</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Whether SGD looks ahead (Nesterov's momentum, as in Torch).</summary>
    public bool Nesterov { get; init; } = true;

    /// <summary>How slowly AdamW's mean of the gradients changes, in [0, 1).</summary>
    public double AdamBeta1 { get; init; } = 0.9;

    /// <summary>How slowly AdamW's mean of their squares changes, in [0, 1).</summary>
    public double AdamBeta2 { get; init; } = 0.999;

    /// <summary>
    /// Decay of the weights of convolutions and linear layers; batch normalisation and biases have none. With SGD a part of the gradient (an L2 penalty), with
    /// AdamW a part of the weight, learning rate times this, that each step takes away.
    /// </summary>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>How much of the target is spread over all classes, in [0, 1). Training only; validation and test report the plain cross-entropy.</summary>
    public double LabelSmoothing { get; init; } = 0.05;

    /// <summary>The most that all gradients together may measure, as an L2 norm; longer ones are shortened to it. Null for no limit.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>
    /// Decay of an exponential moving average of the weights, in (0, 1), which is then what is validated, tested and kept as the best; 0 for none.
    /// </summary>
    public double EmaDecay { get; init; }

    /// <summary>Ends the run after so many epochs in a row without a new best on the validation split; null for never.</summary>
    public int? Patience { get; init; }

    /// <summary>Epochs, or a fraction of one, over which the learning rate rises to its peak; at most half of the run is used.</summary>
    public double WarmupEpochs { get; init; } = 0.5;

    /// <summary>Seeds everything random: initial weights, order, augmentation, dropout.</summary>
    public int Seed { get; init; }

    /// <summary>Threads of Torch, for the whole process; null leaves it as it is, and as the run began when resuming.</summary>
    public int? Threads { get; init; }

    /// <summary><c>auto</c> (CUDA where there is one), <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Continues the run in <see cref="OutputDirectory"/>; it must have been started with the same options.</summary>
    public bool Resume { get; init; }

    /// <summary>Starts anew although the output directory holds a run, which is lost.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Whether training images are varied.</summary>
    public bool Augment { get; init; } = true;

    /// <summary>How they are varied; null for what suits the data set.</summary>
    public Augmentation? Augmentation { get; init; }

    /// <summary>How many batches are prepared in the background while a step runs; they are the same however many. 0 prepares each when it is needed.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>Also writes <c>last.safetensors</c> every so many steps within an epoch; null for at the end of each epoch only.</summary>
    public int? CheckpointSteps { get; init; }

    /// <summary>What images are varied by, all considered.</summary>
    internal Augmentation AugmentationFor(ImageDataset data) => Augment ? Augmentation ?? data.Augmentation : Training.Augmentation.None;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">Some are out of range; all are listed.</exception>
    internal void Validate(ImageDataset data)
    {
        var problems = Problems(data).ToList();
        if (problems.Count > 0) throw new ArgumentException($"The training options do not work: {string.Join("; ", problems)}.");
    }

    private IEnumerable<string> Problems(ImageDataset data)
    {
        if (string.IsNullOrWhiteSpace(OutputDirectory)) yield return "the output directory is empty";
        if (Epochs is < 1 or > 100_000) yield return $"epochs is {Epochs}, it must be from 1 to 100000";
        if (BatchSize is < 2 or > 65_536) yield return $"batch size is {BatchSize}, it must be from 2 to 65536";
        if (AccumulateBatches is < 1 or > 65_536) yield return $"accumulated batches is {AccumulateBatches}, it must be from 1 to 65536";
        if (!Enum.IsDefined(Optimizer)) yield return $"the optimizer is {Optimizer}, known are Sgd and AdamW";
        if (!Enum.IsDefined(Schedule)) yield return $"the schedule is {Schedule}, known are Cosine and Step";
        if (!(AdamBeta1 is >= 0 and < 1)) yield return $"AdamW's β1 is {AdamBeta1}, it must be at least 0 and below 1";
        if (!(AdamBeta2 is >= 0 and < 1)) yield return $"AdamW's β2 is {AdamBeta2}, it must be at least 0 and below 1";
        if (ClipNorm is { } norm && (!(norm > 0) || !double.IsFinite(norm))) yield return $"the norm that gradients are clipped to is {norm}, it must be a finite number above 0";
        if (!(EmaDecay is >= 0 and < 1)) yield return $"the decay of the average is {EmaDecay}, it must be at least 0 (none) and below 1";
        if (Patience is < 1) yield return $"patience is {Patience}, it must be 1 or more";
        if (!(LearningRate > 0) || !double.IsFinite(LearningRate)) yield return $"learning rate is {LearningRate}, it must be a finite number above 0";
        if (!(Momentum is >= 0 and < 1)) yield return $"momentum is {Momentum}, it must be at least 0 and below 1";
        if (Nesterov && Momentum == 0) yield return "Nesterov's momentum needs a momentum above 0";
        if (!(WeightDecay >= 0) || !double.IsFinite(WeightDecay)) yield return $"weight decay is {WeightDecay}, it must be a finite number, 0 or more";
        if (!(LabelSmoothing is >= 0 and < 1)) yield return $"label smoothing is {LabelSmoothing}, it must be at least 0 and below 1";
        if (!(WarmupEpochs >= 0) || !double.IsFinite(WarmupEpochs)) yield return $"warm-up epochs is {WarmupEpochs}, it must be a finite number, 0 or more";
        if (Threads is < 1 or > 1024) yield return $"threads is {Threads}, it must be from 1 to 1024";
        if (CheckpointSteps is < 1) yield return $"checkpoint steps is {CheckpointSteps}, it must be 1 or more";
        if (Resume && Overwrite) yield return "resume and overwrite contradict each other";
        if (Workers is < 0 or > 64) yield return $"workers is {Workers}, it must be from 0 to 64";
        foreach (var problem in Augmentation?.Problems() ?? []) yield return problem;
        if (AccumulateBatches > 1 && BatchSize >= 2 && AccumulateBatches > BatchSource.StepsOf(data.Train, BatchSize))
        {
            yield return $"accumulated batches is {AccumulateBatches}, but the training split has {BatchSource.StepsOf(data.Train, BatchSize)} of {BatchSize} images";
        }

        if (data.Train.Count < 2) yield return $"the training split has {data.Train.Count} image, it must have at least 2";
        if (data.Train.IsOneImage)
        {
            yield return $"all {data.Train.Count} training images of {data.Name} are the same, pixel by pixel ({data.Train.FirstInWords}), so there is nothing to tell classes apart by"
                + (data.Train.Channels == 3 ? "; shapes that lie in transparency show on another background" : "");
        }

        if (Network.InputChannels != data.Train.Channels)
        {
            yield return $"the network takes {Network.InputChannels} channels, the images of {data.Name} have {data.Train.Channels}";
        }

        if (Network.NumClasses != data.ClassNames.Count)
        {
            yield return $"the network tells {Network.NumClasses} classes apart, {data.Name} has {data.ClassNames.Count}";
        }
    }
}
