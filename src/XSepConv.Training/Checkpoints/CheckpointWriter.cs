using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>Writes a run's checkpoints, and brings a run back from one.</summary>
internal sealed class CheckpointWriter(MobileNetV3 network, Sgd optimizer, ImageDataset data)
{
    /// <summary>Writes weights, velocities and state.</summary>
    /// <exception cref="IOException">The file can't be written; the old one is as it was.</exception>
    public void WriteLast(string path, TrainingState state)
    {
        var metadata = Metadata(state.History.Count > 0 ? state.History[^1] : null);
        metadata[TrainingState.MetadataKey] = state.ToJson();
        var velocities = optimizer.Slots.Select(slot => TensorBytes.Read(TrainingState.VelocityPrefix + slot.Name, slot.Velocity));
        SafeTensors.Write(path, [.. Weights(), .. velocities], metadata);
    }

    /// <summary>Writes the weights of the best epoch.</summary>
    /// <exception cref="IOException">The file can't be written; the old one is as it was.</exception>
    public void WriteBest(string path, EpochResult result) => SafeTensors.Write(path, Weights(), Metadata(result));

    /// <summary>Reads weights and velocities back.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or holds another network; all problems are listed.</exception>
    public void Restore(string path)
    {
        network.LoadSafeTensors(path, strict: true);
        using var file = SafeTensors.Open(path);
        using var noGrad = no_grad();
        foreach (var slot in optimizer.Slots)
        {
            var name = TrainingState.VelocityPrefix + slot.Name;
            if (!file.Tensors.TryGetValue(name, out var info) || !info.Shape.SequenceEqual(slot.Velocity.shape) || info.Type != SafeTensorType.F32)
            {
                throw new InvalidDataException($"{path}: '{name}' is missing, or not F32 of shape [{string.Join(", ", slot.Velocity.shape)}].");
            }

            using var scope = NewDisposeScope();
            slot.Velocity.copy_(TensorBytes.Create(info, file.ReadBytes(name)));
        }
    }

    /// <summary>Whether every weight and velocity is a finite number.</summary>
    public bool IsFinite()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return network.state_dict().Values.Concat(optimizer.Slots.Select(slot => slot.Velocity))
            .All(tensor => tensor.isfinite().all().ToBoolean());
    }

    private IEnumerable<SafeTensor> Weights() => network.state_dict().Select(entry => TensorBytes.Read(entry.Key, entry.Value));

    private Dictionary<string, string> Metadata(EpochResult? result)
    {
        var about = new DataSpec(
            data.Name, data.IsSynthetic, data.ClassNames, data.Normalization.Mean, data.Normalization.Std, data.Train.Channels, data.Train.Height, data.Train.Width);
        var metadata = new Dictionary<string, string>
        {
            ["format"] = "pt",
            [MobileNetV3.SpecMetadataKey] = network.Spec.ToJson(),
            [DataSpec.MetadataKey] = about.ToJson(),
        };
        if (result is not null) metadata[Checkpoint.ResultMetadataKey] = JsonSerializer.Serialize(result, CheckpointJson.Default.EpochResult);
        return metadata;
    }
}
