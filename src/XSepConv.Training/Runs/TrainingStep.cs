using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>
/// A recipe's step for a loop of one's own: forward, loss with smoothed labels, backward, clipped gradients, SGD or AdamW at the learning
/// rate of the moment, the average of the weights. <see cref="Trainer"/> takes the same steps.
/// </summary>
/// <example>
/// <code>
/// using var step = new TrainingStep(network, recipe, recipe.StepsPerEpoch(data.Train));
/// for (var epoch = 1; epoch &lt;= recipe.Epochs; epoch++)
///     foreach (var batch in recipe.Batches(data, epoch)) step.Run(batch);
/// </code>
/// A recipe that averages the weights (<see cref="TrainingRecipe.EmaDecay"/>, as "standard" does) means the average to be measured and
/// saved: <c>step.Average ?? network</c>.
/// </example>
public sealed class TrainingStep : IDisposable
{
    private readonly nn.Module<Tensor, Tensor> _network;
    private readonly TrainingRecipe _recipe;
    private readonly int _stepsPerEpoch;
    private readonly LearningRateSchedule _schedule;
    private readonly ParameterOptimizer _optimizer;
    private readonly ModelEma? _average;
    private readonly GradientStep _step;
    private readonly KeptBuffers _buffers;
    private int _batches;

    /// <summary>
    /// Takes hold of a network's parameters, on their device; gradients that are there are set to 0. Parameters that are thawed later
    /// (<see cref="MobileNet.Freeze"/>, <c>requires_grad</c>) move from then on, without momentum at first.
    /// </summary>
    /// <param name="network">Any classifier, [N, C, H, W] → logits [N, classes]. It stays the caller's, and is not disposed of.</param>
    /// <param name="recipe">
    /// Optimizer, learning rate, decay, label smoothing, clipping, accumulated batches, average. Its dropout is for networks that the
    /// trainer builds; its batch size, augmentation and patience are the loop's.
    /// </param>
    /// <param name="stepsPerEpoch">
    /// How often the weights move in an epoch (<see cref="TrainingRecipe.StepsPerEpoch"/>): the learning rate ends with the last step of
    /// the recipe's last epoch.
    /// </param>
    /// <param name="learningRates">Layers with a learning rate of their own; all others have the recipe's. None when null.</param>
    /// <exception cref="ArgumentException">
    /// The recipe or a learning rate does not work, the steps are below 1, or weights are to be averaged of something else than a
    /// <see cref="MobileNet"/> that is as it was built.
    /// </exception>
    public TrainingStep(
        nn.Module<Tensor, Tensor> network, TrainingRecipe recipe, int stepsPerEpoch, IReadOnlyList<LayerLearningRate>? learningRates = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentOutOfRangeException.ThrowIfLessThan(stepsPerEpoch, 1);
        recipe.RequireRight();
        string[] names = [.. network.named_parameters().Select(named => named.name)];
        if (LayerLearningRate.Problems(learningRates ?? [], names, network.GetName()).FirstOrDefault() is { } problem)
        {
            throw new ArgumentException($"The learning rates do not work: {problem}.", nameof(learningRates));
        }

        if (recipe.EmaDecay > 0 && network is not MobileNet)
        {
            throw new ArgumentException(
                FormattableString.Invariant(
                    $"The recipe {recipe.Name} averages the weights (EmaDecay is {recipe.EmaDecay}), which is there for MobileNet and not ")
                + $"for {network.GetType().Name}: use the recipe with EmaDecay 0.", nameof(recipe));
        }

        if (recipe.EmaDecay > 0 && ((MobileNet)network).Evaluation.Change() is { } change)
        {
            throw new ArgumentException(
                $"The weights of the network can't be averaged, since {change}: the average would be in the network of its "
                + $"{nameof(MobileNet.Spec)}. Use the recipe with EmaDecay 0.", nameof(network));
        }

        (_network, _recipe, _stepsPerEpoch) = (network, recipe, stepsPerEpoch);
        _schedule = LearningRateSchedule.Of(recipe, stepsPerEpoch);
        _optimizer = ParameterOptimizer.Of(recipe, network, learningRates ?? []);
        _average = recipe.EmaDecay > 0 ? new ModelEma((MobileNet)network, recipe.EmaDecay) : null;
        _step = new GradientStep(recipe, network, _optimizer, _average);
        _buffers = new KeptBuffers(network);

        // Those of somebody else's backward are no part of the first step.
        Gradients.Clear(_optimizer);
    }

    /// <summary>All steps of the recipe's epochs.</summary>
    public long Steps => _schedule.TotalSteps;

    /// <summary>How often the weights have moved.</summary>
    public long StepsDone { get; private set; }

    /// <summary>The learning rate of the next step; 0 after the last.</summary>
    public double LearningRate => StepsDone < Steps ? _schedule.At(StepsDone) : 0;

    /// <summary>
    /// The network with the average of the weights, in evaluation mode, to validate and to save; null where
    /// <see cref="TrainingRecipe.EmaDecay"/> is 0. It is disposed of with this.
    /// </summary>
    public MobileNet? Average => _average?.Network;

    /// <summary>
    /// Learns a batch: its gradient joins those of the batches before it, and with the last of
    /// <see cref="TrainingRecipe.AccumulateBatches"/> the weights move.
    /// </summary>
    /// <param name="batch">Tensors on the network's device; nothing of them is kept.</param>
    /// <returns>The loss, a mean over the batch, and how many of its images were right.</returns>
    /// <remarks>
    /// Whatever it throws once it has begun, weights and running statistics are as before the step, whose batches are forgotten.
    /// </remarks>
    /// <exception cref="InvalidOperationException">
    /// All steps are done, the network is in evaluation mode, or it does not give [N, classes].
    /// </exception>
    /// <exception cref="ArgumentException">
    /// Labels are not int64 [N] or no classes of the network, weights are not [N], or there are no images.
    /// </exception>
    /// <exception cref="TrainingDivergedException">The loss or the gradient is not finite.</exception>
    public (double Loss, long Correct) Run(ImageBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (StepsDone >= Steps)
        {
            throw new InvalidOperationException(
                $"All {Steps} steps are done: {_recipe.Epochs} epochs of {_stepsPerEpoch}; the recipe's Epochs say how many there are.");
        }

        if (!_network.training) throw new InvalidOperationException("The network is in evaluation mode; call its train() first.");
        _optimizer.TakeThawed();
        if (_batches == 0) _buffers.Keep();
        var (loss, correct) = Learn(batch);
        if (!double.IsFinite(loss)) throw Diverged(FormattableString.Invariant($"The loss is {loss}"), loss);
        if (++_batches < _recipe.AccumulateBatches) return (loss, correct);
        _batches = 0;
        if (!_step.TryMove(_recipe.AccumulateBatches, LearningRate, StepsDone, out var norm))
        {
            throw Diverged(FormattableString.Invariant($"The gradient's norm is {norm}"), loss);
        }

        StepsDone++;
        return (loss, correct);
    }

    /// <summary>The same with tensors of one's own.</summary>
    /// <param name="images">[N, C, H, W], normalised, N ≥ 2.</param>
    /// <param name="labels">Class indices, int64 [N].</param>
    /// <inheritdoc cref="Run(ImageBatch)"/>
    public (double Loss, long Correct) Run(Tensor images, Tensor labels) => Run(new ImageBatch(images, labels));

    /// <summary>Frees what the optimizer remembers, and the average; the network stays.</summary>
    public void Dispose()
    {
        _optimizer.Dispose();
        _buffers.Dispose();
        _average?.Dispose();
    }

    private (double Loss, long Correct) Learn(ImageBatch batch)
    {
        try
        {
            BatchCheck.RequireLabels(batch.Images, batch.Labels);
            if (batch.Weights is { } weights) BatchCheck.RequireWeights(batch.Images, weights);
            return _step.Learn(batch.Images, batch.Labels, batch.Weights, logits => BatchCheck.RequireClasses(logits, batch.Labels));
        }
        catch
        {
            Forget();
            throw;
        }
    }

    private TrainingDivergedException Diverged(string what, double loss)
    {
        Forget();
        return new(
            what, (int)(StepsDone / _stepsPerEpoch) + 1, (int)(StepsDone % _stepsPerEpoch) + 1, loss, "The weights are as before it.");
    }

    /// <summary>Nothing of the step is left for the next batch.</summary>
    private void Forget()
    {
        Gradients.Clear(_optimizer);

        // The forward came before what failed, and one NaN among the running statistics would stay for ever.
        _buffers.PutBack();
        _batches = 0;
    }
}
