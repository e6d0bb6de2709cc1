using System.Buffers;

namespace XSepConv.Kernels;

/// <summary>
/// Channels whose statistics leave the range in which float32 sums of squares hold: an input of 1e30 has squares of 1e60. They are computed
/// again in float64, one by one, as torch's batch norm does its sums.
/// </summary>
internal static unsafe class ExtremeChannels
{
    // A variance up to 1e18 has squared deviations far below float32's 3e38, whatever the batch; one down to 1e-30 has them far above its
    // 1e-38.
    private const float MinInverseStd = 1e-9f;
    private const float MaxInverseStd = 1e15f;
    private const float MaxMean = 1e18f;

    /// <summary>Whether a channel's statistics are in range; NaN is not.</summary>
    public static bool IsPlain(in BatchNormStatistics statistics, int channel) =>
        statistics.InverseStd[channel] is >= MinInverseStd and <= MaxInverseStd && Math.Abs(statistics.Mean[channel]) <= MaxMean;

    /// <summary>Whether gradients of scale and shift have come out as numbers.</summary>
    public static bool IsPlain(in BatchNormGradients gradients, int channel) =>
        float.IsFinite(gradients.Weight[channel]) && float.IsFinite(gradients.Bias[channel]);

    /// <summary>Whether all of a channel's values are numbers.</summary>
    public static bool IsFinite(float* tensor, int batch, int channels, int plane, int channel)
    {
        for (var n = 0; n < batch; n++)
        {
            var values = tensor + ((((nint)n * channels) + channel) * plane);
            for (var i = 0; i < plane; i++)
            {
                if (!float.IsFinite(values[i])) return false;
            }
        }

        return true;
    }

    /// <summary>Whether a channel's weights are numbers.</summary>
    public static bool AreFinite(float* weights, int count, int channel)
    {
        for (var i = 0; i < count; i++)
        {
            if (!float.IsFinite(weights[((nint)channel * count) + i])) return false;
        }

        return true;
    }

    /// <summary>Computes again those of so many channels that need it.</summary>
    public static void Repeat(int channels, int threads, Func<int, bool> needsIt, Action<int> compute)
    {
        List<int>? extreme = null;
        for (var channel = 0; channel < channels; channel++)
        {
            if (needsIt(channel)) (extreme ??= []).Add(channel);
        }

        if (extreme is not null) Parallel.ForEach(extreme, new ParallelOptions { MaxDegreeOfParallelism = threads }, compute);
    }
}

/// <summary>Running statistics as they were before a forward, for channels that are computed again.</summary>
internal readonly unsafe struct RunningBefore : IDisposable
{
    private readonly float[]? _values;
    private readonly int _channels;

    public RunningBefore(ReadOnlySpan<BatchNormParameters> norms, int channels)
    {
        _channels = channels;
        _values = ArrayPool<float>.Shared.Rent(2 * norms.Length * channels);
        for (var i = 0; i < norms.Length; i++)
        {
            if (norms[i].RunningMean != null)
            {
                new ReadOnlySpan<float>(norms[i].RunningMean, channels).CopyTo(_values.AsSpan(2 * i * channels));
            }

            if (norms[i].RunningVariance != null)
            {
                new ReadOnlySpan<float>(norms[i].RunningVariance, channels).CopyTo(_values.AsSpan(((2 * i) + 1) * channels));
            }
        }
    }

    public void Restore(int norm, in BatchNormParameters parameters, int channel)
    {
        if (parameters.RunningMean != null) parameters.RunningMean[channel] = _values![(2 * norm * _channels) + channel];
        if (parameters.RunningVariance != null) parameters.RunningVariance[channel] = _values![(((2 * norm) + 1) * _channels) + channel];
    }

    public void Dispose()
    {
        if (_values is not null) ArrayPool<float>.Shared.Return(_values);
    }
}
