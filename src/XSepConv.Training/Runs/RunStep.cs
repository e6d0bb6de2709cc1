using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>
/// A step of a run: the mean gradient of its batches, over all processes, and what follows from it. Sums run in the batches' order, so that
/// two processes with a batch each get the bits of one process with both.
/// </summary>
internal sealed class RunStep(
    TrainingRecipe recipe, int seed, ImageSplit images, MobileNet network, ParameterOptimizer optimizer, ModelEma? average,
    ProcessGroup processes)
{
    private readonly GradientStep _step = new(recipe, network, optimizer, average);
    private readonly Device _device = network.parameters().First().device;

    /// <summary>Running means and variances that move; the counters beside them are the same everywhere.</summary>
    private readonly List<Tensor> _statistics =
    [
        .. network.named_buffers().Where(named => named.buffer.is_floating_point() && !network.IsFrozen(named.name))
            .Select(named => named.buffer),
    ];

    /// <summary>Moves the weights once.</summary>
    /// <param name="batches">This process's batches; as many as one step accumulates are taken.</param>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <param name="step">Steps of the epoch before this one.</param>
    /// <param name="before">Steps of the run before this one.</param>
    /// <returns>The mean loss of all batches and how many images were right.</returns>
    /// <exception cref="TrainingDivergedException">The loss or the gradient is not finite; the weights are as before.</exception>
    public (double Loss, long Correct) Run(IEnumerator<Batch> batches, int epoch, int step, long before, double learningRate)
    {
        Span<double> sums = [0, 0];
        for (var i = 0; i < recipe.AccumulateBatches; i++)
        {
            if (!batches.MoveNext()) throw new InvalidOperationException($"The epoch ended within step {step + 1}.");
            var number = (((long)step * recipe.AccumulateBatches) + i) * processes.Size + processes.Rank;
            var (loss, correct) = Learn(batches.Current, epoch, number);
            sums[0] += loss;
            sums[1] += correct;
        }

        processes.Sum(sums);
        var all = recipe.AccumulateBatches * processes.Size;
        var mean = sums[0] / all;
        if (!double.IsFinite(mean))
        {
            throw new TrainingDivergedException(FormattableString.Invariant($"The loss is {mean}"), epoch, step + 1, mean);
        }

        if (processes.Size > 1) SumOverProcesses();
        if (!_step.TryMove(all, learningRate, before, out var norm))
        {
            throw new TrainingDivergedException(FormattableString.Invariant($"The gradient's norm is {norm}"), epoch, step + 1, mean);
        }

        return (mean, (long)sums[1]);
    }

    private (double Loss, long Correct) Learn(Batch batch, int epoch, long number)
    {
        using var scope = NewDisposeScope();
        using (manual_seed((long)(CounterRandom.For(seed, CounterRandom.Stream.Torch, epoch, number).NextBits() >> 1)))
        {
        }

        return _step.Learn(
            TensorBatch.Images(batch, images, _device, ScalarType.Float32), TensorBatch.Labels(batch, _device),
            batch.IsMixed ? TensorBatch.Weights(batch, _device) : null);
    }

    /// <summary>Gradients become their sum over all processes, running statistics their mean.</summary>
    private void SumOverProcesses()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        List<Tensor> gradients = [.. optimizer.Slots.Select(slot => slot.Parameter.grad).OfType<Tensor>()];
        List<Tensor> tensors = [.. gradients, .. _statistics];
        var flat = cat([.. tensors.Select(tensor => tensor.flatten())]).cpu();
        processes.Sum(MemoryMarshal.Cast<byte, float>(flat.bytes));
        var start = 0L;
        using Scalar size = processes.Size;
        for (var i = 0; i < tensors.Count; i++)
        {
            tensors[i].copy_(flat.narrow(0, start, tensors[i].numel()).view(tensors[i].shape));
            start += tensors[i].numel();
            if (i >= gradients.Count) tensors[i].div_(size);
        }
    }
}
