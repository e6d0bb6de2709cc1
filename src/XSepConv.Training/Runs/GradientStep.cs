using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>What a run's step and a step of one's own loop share: the gradient of a batch, and the weights that follow it.</summary>
internal sealed class GradientStep(
    TrainingRecipe recipe, nn.Module<Tensor, Tensor> network, ParameterOptimizer optimizer, ModelEma? average)
{
    /// <summary>Adds the gradient of a batch to those that are there.</summary>
    /// <param name="weights">How much each image counts itself where they are mixed, [N]; else null.</param>
    /// <param name="look">Sees the logits before anything follows from them.</param>
    /// <returns>The loss and how many images were right.</returns>
    public (double Loss, long Correct) Learn(Tensor images, Tensor labels, Tensor? weights, Action<Tensor>? look = null)
    {
        using var scope = NewDisposeScope();
        var logits = network.call(images);
        look?.Invoke(logits);
        var loss = weights is null
            ? nn.functional.cross_entropy(logits, labels, label_smoothing: recipe.LabelSmoothing)
            : MixedLoss.Of(logits, labels, weights, recipe.LabelSmoothing);
        loss.backward();
        using var noGrad = no_grad();
        return (loss.to(ScalarType.Float64).item<double>(), logits.argmax(1).eq(labels).sum().item<long>());
    }

    /// <summary>Moves the weights by the mean gradient, shortened where it is too long, and then the average of the weights.</summary>
    /// <param name="batches">How many batches' gradients there are.</param>
    /// <param name="before">Steps before this one.</param>
    /// <param name="norm">The norm of the gradient.</param>
    /// <returns>False where a gradient is not finite, or the norm that it is to be shortened by: nothing has moved.</returns>
    public bool TryMove(int batches, double learningRate, long before, out double norm)
    {
        using var scope = NewDisposeScope();
        var gradients = Gradients.Of(optimizer);
        if (batches > 1) Gradients.Scale(gradients, 1.0 / batches);
        norm = recipe.ClipNorm is { } most ? Gradients.Clip(gradients, most) : Gradients.Norm(gradients);
        if (!double.IsFinite(norm) && (recipe.ClipNorm is not null || !Gradients.AreFinite(gradients))) return false;
        optimizer.Step(learningRate);
        Gradients.Clear(gradients);
        average?.Add(before);
        return true;
    }
}
