namespace XSepConv.Kernels;

/// <summary>Batch norm → act → 1×K or K×1, stride 1, on one group of planes in training.</summary>
internal readonly unsafe struct NormSweep(float* source, float* destination, int height, int width, NormLanes norm, float* weights,
    float* sum, Prefetch prefetch)
{
    /// <summary>What the batch normalisation is given, height × width vectors.</summary>
    public readonly float* Source = source;

    /// <summary>As many; may be the source.</summary>
    public readonly float* Destination = destination;

    /// <summary>Above K/2, like the width.</summary>
    public readonly int Height = height;

    public readonly int Width = width;

    public readonly NormLanes Norm = norm;

    /// <summary>K vectors.</summary>
    public readonly float* Weights = weights;

    /// <summary>Written: each lane's sum of the result.</summary>
    public readonly float* Sum = sum;

    /// <summary>What will be needed soon.</summary>
    public readonly Prefetch Prefetch = prefetch;
}
