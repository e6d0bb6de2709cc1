using System.Text.Json.Serialization;

namespace XSepConv.Training;

/// <summary>What a training run does.</summary>
public sealed record TrainingOptions
{
    /// <summary>The network to train; its channels and classes are those of the data.</summary>
    public required NetworkSpec Network { get; init; }

    /// <summary>
    /// Where <c>last.safetensors</c>, <c>best.safetensors</c>, <c>log.jsonl</c> and the curves go; made if it is not there.
    /// </summary>
    public required string OutputDirectory { get; init; }

    /// <summary>
    /// A checkpoint to start from, of the same network but for classes, channels and dropout; random weights when null. A classifier of
    /// other classes is left out, and the first convolution made to fit other channels, as
    /// <see cref="MobileNet.FromSafeTensors(string, int, int?, TorchSharp.torch.Device?, TorchSharp.torch.ScalarType?)"/> does.
    /// <see cref="StartingFrom"/> sets it with what belongs to it.
    /// </summary>
    [JsonIgnore]
    public string? InitialWeights { get; init; }

    /// <summary>
    /// How many stages of <see cref="InitialWeights"/> stay as they are, as <see cref="MobileNet.Freeze"/> has it: no gradient, no weight
    /// decay, batch norms in evaluation mode.
    /// </summary>
    [JsonIgnore]
    public int FrozenStages { get; init; }

    /// <summary>Layers with a learning rate of their own; all others have the recipe's.</summary>
    [JsonIgnore]
    public IReadOnlyList<LayerLearningRate> LearningRates { get; init; } = [];

    /// <summary>How images are normalised; null for the mean and deviation of the training images.</summary>
    [JsonIgnore]
    public ImageNormalization? Normalization { get; init; }

    /// <summary>How it learns: epochs, batch size, learning rate and the rest; <c>quick</c> unless told.</summary>
    public TrainingRecipe Recipe { get; init; } = TrainingRecipe.Default;

    /// <summary>How training images are varied; null for what the recipe names.</summary>
    public Augmentation? Augmentation { get; init; }

    /// <summary>Seeds everything random: initial weights, order, augmentation, dropout.</summary>
    public int Seed { get; init; }

    /// <summary>
    /// Threads of Torch, for the whole process, at most one a core; null for as many as Torch has, and as the run began when resuming.
    /// </summary>
    public int? Threads { get; init; }

    /// <summary><c>auto</c> (CUDA where there is one), <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Continues the run in <see cref="OutputDirectory"/>; it must have been started with the same options.</summary>
    public bool Resume { get; init; }

    /// <summary>Starts anew although the output directory holds a run, which is lost.</summary>
    public bool Overwrite { get; init; }

    /// <summary>
    /// How many batches are prepared in the background while a step runs; they are the same however many. 0 prepares each when it is
    /// needed.
    /// </summary>
    public int Workers { get; init; } = 2;

    /// <summary>Also writes <c>last.safetensors</c> every so many steps within an epoch; null for at the end of each epoch only.</summary>
    public int? CheckpointSteps { get; init; }

    /// <summary>
    /// Options to train on from a checkpoint: its network for the classes and channels of the data, its weights, and its normalisation
    /// where it has one.
    /// </summary>
    /// <param name="path">A file that the trainer, <see cref="Pretrained.Import"/> or <c>SaveSafeTensors</c> wrote.</param>
    /// <param name="data">What to learn.</param>
    /// <param name="outputDirectory">See <see cref="OutputDirectory"/>.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is damaged, describes no network, or its tensors do not fit; the first ten problems are listed.
    /// </exception>
    public static TrainingOptions StartingFrom(string path, ImageDataset data, string outputDirectory)
    {
        ArgumentNullException.ThrowIfNull(data);
        using var weights = XSepConv.InitialWeights.Open(path);
        var there = weights.Data is { } known ? OtherChannels.Of(known, data.Train.Channels) : null;
        return new()
        {
            Network = weights.For(data.ClassNames.Count, data.Train.Channels),
            OutputDirectory = outputDirectory,
            InitialWeights = path,
            Normalization = there is null ? null : new(there.Mean, there.Std),
        };
    }

    internal ImageNormalization NormalizationFor(ImageDataset data) => Normalization ?? data.Normalization;

    /// <summary>What images are varied by, all considered.</summary>
    internal Augmentation AugmentationFor(ImageDataset data) => Augmentation ?? Recipe.AugmentationFor(data);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">Some are out of range; all are listed.</exception>
    internal void Validate(ImageDataset data)
    {
        var problems = Problems(data).ToList();
        if (problems.Count == 0) return;
        throw new ArgumentException(problems is [var only]
            ? $"The training options do not work: {only}."
            : $"The training options do not work:{string.Concat(problems.Select(problem => $"\n- {problem}"))}");
    }

    private IEnumerable<string> Problems(ImageDataset data)
    {
        if (string.IsNullOrWhiteSpace(OutputDirectory)) yield return "the output directory is empty";
        else if (data.Misplaced(OutputDirectory) is { } misplaced)
        {
            yield return $"the output directory is '{OutputDirectory}', {misplaced}";
        }

        foreach (var problem in Recipe.Problems()) yield return problem;
        foreach (var problem in TrainingStart.Problems(this)) yield return problem;
        if (Normalization?.Misfit(data.Train.Channels, $"the images of {data.Name}") is { } misfit) yield return $"the {misfit}";
        if (Threads is < 1 or > 1024) yield return $"threads is {Threads}, it must be from 1 to 1024";
        if (CheckpointSteps is < 1) yield return $"checkpoint steps is {CheckpointSteps}, it must be 1 or more";
        if (Resume && Overwrite) yield return "resume and overwrite contradict each other";
        if (Workers is < 0 or > 64) yield return $"workers is {Workers}, it must be from 0 to 64";
        foreach (var problem in Augmentation?.Problems() ?? []) yield return problem;
        if (Augmentation is { HorizontalFlip: var mirrors } && Recipe.HorizontalFlip is { } flip && flip != mirrors)
        {
            yield return $"the recipe's horizontal flip is {flip}, but the augmentation's is {mirrors}; leave the recipe's null";
        }

        foreach (var problem in Recipe.Misfits(data.Train)) yield return problem;
        if (data.Train.IsOneImage)
        {
            yield return $"all {data.Train.Count} training images of {data.Name} are the same, pixel by pixel ({data.Train.FirstInWords}), "
                + "so there is nothing to tell classes apart by"
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
