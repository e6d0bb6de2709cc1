namespace XSepConv.Kernels;

/// <summary>What every stage kernel refuses.</summary>
internal static class StageChecks
{
    // Planes are addressed with 32-bit element counts, and buffers hold up to 16 planes with borders.
    private const int MaxSide = 8192;
    private const int MaxPlane = 1 << 24;

    public static void Dimensions(int batch, int channels, int height, int width)
    {
        if (batch < 1) throw new ArgumentOutOfRangeException(nameof(batch), batch, "The batch has at least one image.");
        if (channels < 1) throw new ArgumentOutOfRangeException(nameof(channels), channels, "There is at least one channel.");
        if (height is < 1 or > MaxSide)
        {
            throw new ArgumentOutOfRangeException(nameof(height), height, $"The height goes from 1 to {MaxSide}.");
        }

        if (width is < 1 or > MaxSide) throw new ArgumentOutOfRangeException(nameof(width), width, $"The width goes from 1 to {MaxSide}.");
        if (height * width > MaxPlane)
        {
            throw new ArgumentOutOfRangeException(nameof(height), height,
                $"A plane of {height}×{width} has more than {MaxPlane:N0} elements.");
        }
    }

    /// <summary>Says why no kernel takes maps of this size, or this kernel and stride, or null.</summary>
    public static string? WhyNot(long height, long width, long kernel, long stride)
    {
        if (stride is not (1 or 2)) return $"a convolution has stride {stride}, the kernels take 1 and 2";
        if (kernel is < 1 or > NetworkSpec.LargestKernel || kernel % 2 == 0)
        {
            return $"a convolution has K = {kernel}, the kernels take odd ones from 1 to {NetworkSpec.LargestKernel}";
        }

        return height > MaxSide || width > MaxSide || height * width > MaxPlane
            ? $"a map of {height}×{width} is larger than the kernels take ({MaxSide} a side, {MaxPlane:N0} in all)" : null;
    }

    public static void KernelAndStride(int kernel, int stride)
    {
        if (kernel is < 1 or > NetworkSpec.LargestKernel || kernel % 2 == 0)
        {
            throw new ArgumentOutOfRangeException(nameof(kernel), kernel, $"The kernel is odd, from 1 to {NetworkSpec.LargestKernel}.");
        }

        if (stride is not (1 or 2)) throw new ArgumentOutOfRangeException(nameof(stride), stride, "The stride is 1 or 2.");
    }
}
