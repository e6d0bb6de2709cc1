using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>The loss of a batch whose images are mixed, each with the next one.</summary>
internal static class MixedLoss
{
    /// <summary>
    /// The mean cross-entropy with targets mixed as the images are. Cross-entropy is linear in its target, and label smoothing is too: w of
    /// the loss with an image's own class and 1 − w of the loss with the next one's is the loss with the smoothed mixed target.
    /// </summary>
    /// <param name="logits">[N, classes].</param>
    /// <param name="labels">The images' own classes, [N].</param>
    /// <param name="weights">How much each image counts itself, [N].</param>
    /// <param name="labelSmoothing">In [0, 1).</param>
    /// <returns>A single number.</returns>
    public static Tensor Of(Tensor logits, Tensor labels, Tensor weights, double labelSmoothing)
    {
        using var scope = NewDisposeScope();
        var own = nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.None, label_smoothing: labelSmoothing);
        var next = nn.functional.cross_entropy(logits, labels.roll(-1, 0), reduction: nn.Reduction.None, label_smoothing: labelSmoothing);
        return (weights * own).Plus(weights.neg().Plus(Scalars.One) * next).mean().MoveToOuterDisposeScope();
    }
}
