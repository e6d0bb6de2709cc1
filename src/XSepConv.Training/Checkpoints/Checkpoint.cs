using System.Text.Json;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>A trained network and what is needed to use it.</summary>
public sealed class LoadedCheckpoint : IDisposable
{
    private readonly DataSpec _data;

    internal LoadedCheckpoint(MobileNet network, DataSpec data, ImageNormalization normalization, EpochResult? result, int epoch) =>
        (Network, _data, Normalization, Result, Epoch) = (network, data, normalization, result, epoch);

    /// <summary>The network, in evaluation mode.</summary>
    public MobileNet Network { get; }

    /// <summary>What the network was built from.</summary>
    public NetworkSpec Spec => Network.Spec;

    /// <summary>The name of each class, in the order of the logits.</summary>
    public IReadOnlyList<string> ClassNames => _data.Classes;

    /// <summary>The data set it was trained on.</summary>
    public string DataName => _data.Name;

    /// <summary>Whether the images of that set are generated.</summary>
    public bool IsSynthetic => _data.Synthetic;

    /// <summary>Channels, height and width of the images it was trained on.</summary>
    public (int Channels, int Height, int Width) ImageShape => (_data.Channels, _data.Height, _data.Width);

    /// <summary>What see-through pixels were laid on; null where alpha was dropped.</summary>
    public Rgb? Background => _data.Background;

    /// <summary>How its pictures were scaled; null where their middle square was, by a triangle.</summary>
    public PictureScaling? Scaling => _data.Scaling;

    /// <summary>A digest of the names of the test images that were kept from it; null where that is not known.</summary>
    internal string? TestImages => _data.TestImages;

    /// <summary>From bytes to what the network was trained on.</summary>
    public ImageNormalization Normalization { get; }

    /// <summary>The epoch at whose end the weights were so, from 1; 0 where that is none, or not known.</summary>
    public int Epoch { get; }

    /// <summary>
    /// What these weights came to; null where they were not measured: within an epoch, and in the <c>last.safetensors</c> of a run that
    /// measures their average (<see cref="TrainingRecipe.EmaDecay"/>).
    /// </summary>
    public EpochResult? Result { get; }

    /// <summary>Frees the network.</summary>
    public void Dispose() => Network.Dispose();
}

/// <summary>Checkpoints: safetensors files that say which network they hold, what it was trained on and how far.</summary>
public static class Checkpoint
{
    internal const string ResultMetadataKey = "xsepconv.epoch";

    /// <summary>The file in an output directory with the weights of the last step and all that resuming needs.</summary>
    public const string LastFileName = "last.safetensors";

    /// <summary>The file in an output directory with the weights of the best epoch.</summary>
    public const string BestFileName = "best.safetensors";

    /// <summary>Loads the network of a <c>last.safetensors</c> or <c>best.safetensors</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where the weights go; CPU when null.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// It is damaged, or not a checkpoint of this trainer; the message says what is wrong.
    /// </exception>
    public static LoadedCheckpoint Load(string path, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        var (data, normalization, result, epoch) = ReadMetadata(path);
        var network = MobileNet.FromSafeTensors(path, device ?? CPU);
        if (data.Misfit(network.Spec) is { } problem)
        {
            network.Dispose();
            throw new InvalidDataException($"{path}: {problem}");
        }

        network.eval();
        return new LoadedCheckpoint(network, data, normalization, result, epoch);
    }

    /// <summary>
    /// Writes a network that was trained in a loop of one's own, with what <see cref="Load"/>, <see cref="CompiledModel"/> and the command
    /// line need: table, classes, size and normalisation of the images.
    /// </summary>
    /// <param name="path">The file; it is replaced as a whole.</param>
    /// <param name="network">What was trained, such as <see cref="TrainingStep.Average"/>.</param>
    /// <param name="data">What it was trained on.</param>
    /// <param name="normalization">
    /// That of its batches, as given to <see cref="TrainingRecipe.Batches"/>; null for <see cref="ImageDataset.Normalization"/>.
    /// </param>
    /// <exception cref="ArgumentException">
    /// Classes or channels of network, data and normalisation differ, the network is no longer as it was built, or a weight is not finite
    /// or a variance negative.
    /// </exception>
    /// <exception cref="IOException">The file can't be written; the old one is as it was.</exception>
    public static void Save(string path, MobileNet network, ImageDataset data, ImageNormalization? normalization = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(data);
        data.RequireChannels(normalization);
        if (Description(data, normalization ?? data.Normalization).Misfit(network.Spec) is not null)
        {
            throw new ArgumentException(
                $"The network takes {network.Spec.InputChannels} channels and tells {network.Spec.NumClasses} classes apart, "
                + $"{data.Name} has {data.Train.Channels} and {data.ClassNames.Count}.", nameof(network));
        }

        if (network.Evaluation.Change() is { } change)
        {
            throw new ArgumentException(
                $"The network can't be saved as a checkpoint, since {change}: what is loaded again is the network of its "
                + $"{nameof(network.Spec)}. {nameof(SafeTensorsExtensions.SaveSafeTensors)} writes its weights alone.", nameof(network));
        }

        if ((FiniteWeights.Problem(network) ?? ModuleState.Problem(network)) is { } problem)
        {
            throw new ArgumentException(
                $"The network can't be saved as a checkpoint, which could not be loaded: {problem}.", nameof(network));
        }

        SafeTensors.Write(path, ModuleState.Tensors(network), Metadata(network, data, null, normalization));
    }

    /// <summary>What a file says about its network, the data and an epoch.</summary>
    internal static Dictionary<string, string> Metadata(
        MobileNet network, ImageDataset data, EpochResult? result, ImageNormalization? normalization = null)
    {
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "pt",
            [NetworkSpec.MetadataKey] = network.Spec.ToJson(),
            [ModuleSettings.MetadataKey] = ModuleState.Settings(network).ToJson(),
            [DataSpec.MetadataKey] = Description(data, normalization ?? data.Normalization).ToJson(),
        };
        if (result is not null) metadata[ResultMetadataKey] = JsonSerializer.Serialize(result, CheckpointJson.Default.EpochResult);
        return metadata;
    }

    private static DataSpec Description(ImageDataset data, ImageNormalization normalization) => new(
        data.Name, data.IsSynthetic, data.ClassNames, normalization.Mean, normalization.Std, data.Train.Channels,
        data.Train.Height, data.Train.Width)
    {
        Background = data.Background,
        Scaling = data.Scaling,
        TestImages = data.TestDigest,
    };

    private static (DataSpec Data, ImageNormalization Normalization, EpochResult? Result, int Epoch) ReadMetadata(string path)
    {
        using var file = SafeTensors.Open(path);
        if (!file.Metadata.TryGetValue(DataSpec.MetadataKey, out var json))
        {
            throw new InvalidDataException(
                $"{path} is not a checkpoint of this trainer: its metadata lacks '{DataSpec.MetadataKey}', "
                + "which says what the network was trained on.");
        }

        var key = DataSpec.MetadataKey;
        try
        {
            var data = DataSpec.FromJson(json);
            key = ResultMetadataKey;
            var result = file.Metadata.TryGetValue(key, out json)
                ? JsonSerializer.Deserialize(json, CheckpointJson.Default.EpochResult)
                : null;
            return (data, new ImageNormalization(data.Mean, data.Std), result, result?.Epoch ?? WholeEpochs(file, path));
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new InvalidDataException($"{path}: the metadata '{key}' can't be read: {e.Message}", e);
        }
    }

    private static int WholeEpochs(SafeTensors file, string path)
    {
        if (!file.Metadata.TryGetValue(TrainingState.MetadataKey, out var json)) return 0;
        try
        {
            var state = TrainingState.FromJson(json, path);
            return state.StepsDone == 0 ? state.EpochsDone : 0;
        }
        catch (InvalidDataException)
        {
            // Only resuming needs it: the weights can be used without.
            return 0;
        }
    }
}
