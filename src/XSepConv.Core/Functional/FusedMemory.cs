using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Tensors as the kernels take them: pointers to contiguous float32.</summary>
internal static unsafe class FusedMemory
{
    private const long LineFloats = 16;

    // Floats of statistics that stand before an operator's own memory: far more than there are channels.
    private const long MostFrozen = 1L << 20;

    /// <summary>Says why the kernels can't run on a tensor of so many values, or null where they can.</summary>
    public static string? WhyNot(Tensor x, string name, long values)
    {
        if (x.device_type != DeviceType.CPU) return $"{name} is on {x.device}, the kernels run on the CPU";
        if (x.dtype != ScalarType.Float32) return $"{name} has dtype {x.dtype}, the kernels take float32";
        if (!x.is_contiguous()) return $"{name} is not contiguous";
        var count = x.numel();
        if (count != values) return $"{name} has shape [{string.Join(", ", x.shape)}], of {count} values instead of {values}";
        return count > int.MaxValue / sizeof(float) ? $"{name} has 2 GiB or more" : null;
    }

    /// <summary>
    /// Says why the kernels can't stand in for a depthwise convolution: its settings and its weight can be set after it was built.
    /// </summary>
    public static string? WhyNot(Conv2d conv, in ConvGeometry geometry, long channels) =>
        WhyNot(conv, geometry, channels, channels * geometry.Kernel.Height * geometry.Kernel.Width);

    /// <summary>The same for a convolution of other groups, with so many weights, and a bias where there is no norm after it.</summary>
    public static string? WhyNot(Conv2d conv, in ConvGeometry geometry, long groups, long values, bool biased = false)
    {
        if (!geometry.Fits(conv, groups) || conv.bias is not null != biased)
        {
            return "a convolution is not as it was built: stride, padding, dilation, groups, kernel or bias differ";
        }

        return WhyNot(conv.weight, "a weight", values) ?? (biased ? WhyNot(conv.bias!, "a bias", conv.out_channels) : null);
    }

    /// <summary>Says why the kernels can't stand in for a batch norm, in a mode or in its own.</summary>
    public static string? WhyNot(BatchNorm2d norm, long channels, bool? training = null)
    {
        if (norm.weight is null || norm.bias is null) return "a batch norm has no scale and shift";
        if (norm.running_mean is null || norm.running_var is null || !norm.track_running_stats)
        {
            return "a batch norm keeps no running statistics";
        }

        if (training is { } mode && norm.training != mode) return "some batch norms are in training mode and some are not";
        return WhyNot(norm.weight, "a batch norm's scale", channels) ?? WhyNot(norm.bias, "a batch norm's shift", channels)
            ?? WhyNot(norm.running_mean, "a running mean", channels) ?? WhyNot(norm.running_var, "a running variance", channels);
    }

    /// <summary>Says why an operator with memory of such sizes can't run.</summary>
    public static string? WhyNot((long Kept, long Forward, long Backward) sizes) =>
        Math.Max(sizes.Kept, Math.Max(sizes.Forward, sizes.Backward)) > (int.MaxValue / sizeof(float)) - MostFrozen
            ? "its maps take 2 GiB or more" : null;

    /// <summary>So many floats and those that fill the last cache line.</summary>
    public static long WholeLines(long floats) => (floats + LineFloats - 1) / LineFloats * LineFloats;

    /// <summary>Gradients of a convolution and its norm or its bias, in tensors from the one with an index on.</summary>
    public static ConvNormGradients Gradients(Tensor?[] tensors, int first, bool normed) => new()
    {
        Weights = Pointer(tensors[first]!),
        Norm = new()
        {
            Weight = normed ? Pointer(tensors[first + 1]!) : null,
            Bias = Pointer(tensors[normed ? first + 2 : first + 1]!),
        },
    };

    /// <summary>
    /// Whether gradients of an input and of parameters are numbers. It shows in those of vectors, which are sums over all of a channel.
    /// </summary>
    public static bool AreNumbers(Tensor?[] gradients)
    {
        for (var i = 1; i < gradients.Length; i++)
        {
            if (gradients[i]!.dim() > 1) continue;
            foreach (var value in new ReadOnlySpan<float>(Pointer(gradients[i]!), (int)gradients[i]!.numel()))
            {
                if (!float.IsFinite(value)) return false;
            }
        }

        return true;
    }

    /// <summary>Whether a tensor's bytes lie one behind the other in this process, so few that a span has room for them.</summary>
    public static bool AreBytes(Tensor tensor) => tensor.device_type == DeviceType.CPU && tensor.is_contiguous()
        && tensor.numel() * tensor.element_size() <= int.MaxValue;

    /// <summary>Whatever the default type and device are.</summary>
    public static Tensor Empty(params long[] size) => empty(size, dtype: ScalarType.Float32, device: CPU);

    /// <summary>Valid while the tensor is.</summary>
    public static float* Pointer(Tensor tensor) => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

    public static BatchNormParameters Parameters(Tensor weight, Tensor bias, double epsilon) =>
        new() { Weight = Pointer(weight), Bias = Pointer(bias), Epsilon = epsilon };

    /// <summary>With the running statistics: to read at inference, to update in training.</summary>
    public static BatchNormParameters Parameters(BatchNorm2d norm, double momentum)
    {
        var parameters = Parameters(norm.weight, norm.bias!, norm.eps);
        parameters.RunningMean = Pointer(norm.running_mean!);
        parameters.RunningVariance = Pointer(norm.running_var!);
        parameters.Momentum = momentum;
        return parameters;
    }

    /// <summary>Rows 2i and 2i + 1 of <paramref name="statistics"/> [2n, C]: mean and inverse deviation of batch norm i.</summary>
    public static BatchNormStatistics Statistics(Tensor statistics, int norm)
    {
        var channels = statistics.size(1);
        var row = Pointer(statistics) + (2 * norm * channels);
        return new() { Mean = row, InverseStd = row + channels };
    }

    /// <summary>Mean and inverse deviation as the running statistics have them.</summary>
    public static void CopyRunning(BatchNorm2d norm, in BatchNormStatistics statistics)
    {
        var mean = Pointer(norm.running_mean!);
        var variance = Pointer(norm.running_var!);
        var channels = norm.running_mean!.size(0);
        for (var c = 0; c < channels; c++)
        {
            statistics.Mean[c] = mean[c];
            statistics.InverseStd[c] = (float)(1 / Math.Sqrt(variance[c] + norm.eps));
        }
    }
}
