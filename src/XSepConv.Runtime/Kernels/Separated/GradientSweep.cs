namespace XSepConv.Kernels;

/// <summary>
/// Backward of batch norm → act → 1×K or K×1 → batch norm, stride 1, on one group of planes: from after the last to after the first.
/// </summary>
internal readonly unsafe struct GradientSweep(
    float* gradient, float* result, float* given, float* destination, int height, int width, NormLanes after, NormLanes before,
    float* weights, float* sums, Prefetch prefetch)
{
    /// <summary>The gradient after the last batch normalisation, height × width vectors like all maps here.</summary>
    public readonly float* Gradient = gradient;

    /// <summary>What the convolution gave to it.</summary>
    public readonly float* Result = result;

    /// <summary>What the first batch normalisation is given.</summary>
    public readonly float* Given = given;

    /// <summary>The gradient after it; may be the result's memory or the gradient's.</summary>
    public readonly float* Destination = destination;

    /// <summary>Above K/2, like the width.</summary>
    public readonly int Height = height;

    public readonly int Width = width;

    public readonly NormLanes After = after;

    public readonly NormLanes Before = before;

    /// <summary>K vectors.</summary>
    public readonly float* Weights = weights;

    /// <summary>
    /// Written: the sum of the destination, that of destination · (given − mean), and K vectors of the weights' gradients.
    /// </summary>
    public readonly float* Sums = sums;

    /// <summary>What will be needed soon.</summary>
    public readonly Prefetch Prefetch = prefetch;
}
