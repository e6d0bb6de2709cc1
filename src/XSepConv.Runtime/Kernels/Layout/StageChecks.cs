using static System.FormattableString;

namespace XSepConv.Kernels;

/// <summary>What every stage kernel refuses.</summary>
internal static class StageChecks
{
    // Planes are addressed with 32-bit element counts, and buffers hold up to 16 planes with borders.
    private const int MaxSide = 8192;
    private const int MaxPlane = 1 << 24;

    /// <summary>Refuses what no kernel takes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range; the message names it.</exception>
    public static void Require(int batch, int channels, int height, int width, int kernel, int stride)
    {
        if (batch < 1) throw new ArgumentOutOfRangeException(nameof(batch), batch, "The batch has at least one image.");
        if (channels < 1) throw new ArgumentOutOfRangeException(nameof(channels), channels, "There is at least one channel.");
        if (height < 1) throw new ArgumentOutOfRangeException(nameof(height), height, "A map has at least one row.");
        if (width < 1) throw new ArgumentOutOfRangeException(nameof(width), width, "A map has at least one column.");
        if (Problem(height, width, kernel, stride) is { } problem)
        {
            var sentence = $"{char.ToUpperInvariant(problem.Text[0])}{problem.Text[1..]}.";
            throw new ArgumentOutOfRangeException(problem.Parameter, problem.Value, sentence);
        }
    }

    /// <summary>Refuses a batch that has no variance, as torch does.</summary>
    /// <exception cref="ArgumentException">A batch normalisation would see one value per channel.</exception>
    public static void RequireVariance(int batch, int channels, int outputHeight, int outputWidth)
    {
        if ((long)batch * outputHeight * outputWidth >= 2) return;
        throw new ArgumentException(
            "Training needs more than one value per channel; "
            + $"[N, C, H, W] = [{batch}, {channels}, {outputHeight}, {outputWidth}] has one after the stage.");
    }

    /// <summary>Says why no kernel takes maps of this size, or this kernel and stride, or null.</summary>
    public static string? WhyNot(long height, long width, long kernel, long stride) => Problem(height, width, kernel, stride)?.Text;

    private static (string Parameter, long Value, string Text)? Problem(long height, long width, long kernel, long stride)
    {
        if (stride is not (1 or 2)) return (nameof(stride), stride, $"a convolution has stride {stride}, the kernels take 1 and 2");
        if (kernel is < 1 or > NetworkSpec.LargestKernel || kernel % 2 == 0)
        {
            var text = $"a convolution has K = {kernel}, the kernels take odd ones from 1 to {NetworkSpec.LargestKernel}";
            return (nameof(kernel), kernel, text);
        }

        if (height <= MaxSide && width <= MaxSide && height * width <= MaxPlane) return null;
        var size = Invariant($"a map of {height}×{width} is larger than the kernels take ({MaxSide} a side, {MaxPlane:N0} in all)");
        return width > MaxSide ? (nameof(width), width, size) : (nameof(height), height, size);
    }
}
