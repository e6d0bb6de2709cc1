using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>Writes a run's checkpoints, and brings a run back from one.</summary>
/// <param name="average">The average of its weights, if there is one: then that is what the best epoch's file holds.</param>
internal sealed class CheckpointWriter(MobileNet network, ParameterOptimizer optimizer, ModelEma? average, ImageDataset data,
    ImageNormalization normalization)
{
    private readonly List<(string Name, Tensor Tensor)> _memory = [.. optimizer.Memory, .. average?.Memory ?? []];

    /// <summary>Writes weights, what optimizer and average remember, and state.</summary>
    /// <exception cref="IOException">The file can't be written; the old one is as it was.</exception>
    /// <exception cref="ObjectDisposedException">The network is disposed.</exception>
    public void WriteLast(string path, TrainingState state)
    {
        // Within an epoch the weights have moved on from those that were measured, and where there is an average, that was.
        var measured = state.StepsDone == 0 && average is null && state.History.Count > 0 ? state.History[^1] : null;
        var metadata = Checkpoint.Metadata(network, data, measured, normalization);
        metadata[TrainingState.MetadataKey] = state.ToJson();
        SafeTensors.Write(
            path, [.. ModuleState.Tensors(network), .. _memory.Select(entry => TensorBytes.Read(entry.Name, entry.Tensor))], metadata);
    }

    /// <summary>Writes the weights of the best epoch.</summary>
    /// <exception cref="IOException">The file can't be written; the old one is as it was.</exception>
    /// <exception cref="ObjectDisposedException">The network is disposed.</exception>
    public void WriteBest(string path, EpochResult result)
    {
        var best = average?.Network ?? network;
        SafeTensors.Write(path, ModuleState.Tensors(best), Checkpoint.Metadata(best, data, result, normalization));
    }

    /// <summary>Reads weights and what was remembered back.</summary>
    /// <param name="steps">All steps before it was written.</param>
    /// <exception cref="InvalidDataException">The file is damaged or holds another network; the first ten problems are listed.</exception>
    public void Restore(string path, long steps)
    {
        optimizer.ContinueAfter(steps);
        using var file = SafeTensors.Open(path);
        RequireAsWritten(path, file);
        network.LoadSafeTensors(path, strict: true);
        if (FiniteWeights.Problem(network) is { } problem) throw new InvalidDataException($"{path} can't be resumed: {problem}.");
        if (average is not null) ModuleState.CopyNorms(network, average.Network);
        using var noGrad = no_grad();
        foreach (var (name, tensor) in _memory)
        {
            var type = tensor.is_floating_point() ? SafeTensorType.F32 : SafeTensorType.I64;
            if (!file.Tensors.TryGetValue(name, out var info) || !info.Shape.SequenceEqual(tensor.shape) || info.Type != type)
            {
                throw new InvalidDataException($"{path}: '{name}' is missing, or not {type} of shape {Listing.Shape(tensor.shape)}.");
            }

            using var scope = NewDisposeScope();
            tensor.copy_(TensorBytes.Create(info, file.ReadBytes(name)));
        }
    }

    // Rounded weights are others than those that the run had.
    private static void RequireAsWritten(string path, SafeTensors file)
    {
        if (file.Tensors.Values.FirstOrDefault(IsRounded) is { } other)
        {
            throw new InvalidDataException(
                $"{path} can't be resumed: '{other.Name}' is {other.Type}, and a run goes on from the F32 that it wrote. Start a new run "
                + "from this file (--init).");
        }
    }

    private static bool IsRounded(SafeTensorInfo info) =>
        info.Type == SafeTensorType.I8 || (info.Type.IsFloatingPoint() && info.Type != SafeTensorType.F32);

    /// <summary>Whether every weight and all that is remembered is a finite number.</summary>
    public bool IsFinite()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return network.state_dict().Values.Concat(_memory.Select(entry => entry.Tensor))
            .All(tensor => tensor.isfinite().all().item<bool>());
    }
}
