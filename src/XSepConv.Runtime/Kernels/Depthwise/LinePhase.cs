namespace XSepConv.Kernels;

/// <summary>
/// Of a line's values and taps, those of one remainder by the stride: they meet each other only, so that a strided convolution is a sum of
/// convolutions without stride.
/// </summary>
/// <remarks>Values s·m + r meet taps k = first + s·q, and result i takes q from m = i + q + offset.</remarks>
internal readonly struct LinePhase
{
    public LinePhase(int kernel, int stride, int length, int phase)
    {
        var border = kernel / 2;
        FirstTap = (border + phase) % stride;
        Taps = (kernel - FirstTap + stride - 1) / stride;
        Offset = (FirstTap - border - phase) / stride;
        Length = (length - phase + stride - 1) / stride;
    }

    public int FirstTap { get; }

    public int Taps { get; }

    /// <summary>Where result 0's first tap lies among the phase's values.</summary>
    public int Offset { get; }

    /// <summary>Values.</summary>
    public int Length { get; }
}
