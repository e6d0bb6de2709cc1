namespace XSepConv.Training;

/// <summary>How well a network does on a split.</summary>
/// <param name="Top1">The share of images whose class has the largest logit, 0 … 1.</param>
/// <param name="Loss">Mean cross-entropy, without label smoothing; NaN where the network's answer to an image overflows.</param>
/// <param name="Images">How many images there were.</param>
public sealed record EvaluationResult(double Top1, double Loss, int Images);
