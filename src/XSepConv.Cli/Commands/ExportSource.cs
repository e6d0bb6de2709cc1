using XSepConv.Training;
using static TorchSharp.torch;

namespace XSepConv.Cli.Commands;

/// <summary>A network that is exported, and what its file says about the images it was trained on, if it does.</summary>
internal sealed class ExportSource : IDisposable
{
    private ExportSource(MobileNet network, LoadedCheckpoint? training, IReadOnlyDictionary<string, string> metadata) =>
        (Network, Training, Metadata) = (network, training, metadata);

    public MobileNet Network { get; }

    /// <summary>Null where the file holds weights alone.</summary>
    public LoadedCheckpoint? Training { get; }

    /// <summary>What the file says about its training, without what only resuming needs.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a checkpoint of <c>train</c>, or a network that <c>SaveSafeTensors</c> or PyTorch's side wrote.</summary>
    /// <param name="device">Where the weights go; the CPU when null.</param>
    /// <exception cref="InvalidDataException">The file is damaged or holds no network.</exception>
    public static ExportSource Open(string path, Device? device = null)
    {
        var metadata = ReadMetadata(path);
        if (!metadata.ContainsKey(DataSpec.MetadataKey))
        {
            var network = MobileNet.FromSafeTensors(path, device ?? CPU);
            network.eval();
            return new(network, null, metadata);
        }

        var checkpoint = Checkpoint.Load(path, device);
        return new(checkpoint.Network, checkpoint, metadata);
    }

    public void Dispose() => Network.Dispose();

    private static Dictionary<string, string> ReadMetadata(string path)
    {
        using var file = SafeTensors.Open(path);
        return file.Metadata.Where(entry => entry.Key is not (
            TrainingState.MetadataKey or NetworkSpec.MetadataKey or ModuleSettings.MetadataKey or Int8Weights.MetadataKey or "format"))
            .ToDictionary();
    }
}
