using System.Buffers;

namespace XSepConv.Kernels;

/// <summary>Running statistics as they were before a forward whose results may turn out to be worth nothing.</summary>
internal readonly unsafe struct RunningBefore : IDisposable
{
    private readonly float[] _values;
    private readonly int _channels;

    public RunningBefore(ReadOnlySpan<BatchNormParameters> norms, int channels)
    {
        _channels = channels;
        _values = ArrayPool<float>.Shared.Rent(2 * norms.Length * channels);
        for (var i = 0; i < norms.Length; i++)
        {
            if (norms[i].RunningMean != null) new ReadOnlySpan<float>(norms[i].RunningMean, channels).CopyTo(Of(2 * i));
            if (norms[i].RunningVariance != null) new ReadOnlySpan<float>(norms[i].RunningVariance, channels).CopyTo(Of((2 * i) + 1));
        }
    }

    /// <summary>Puts those of the same norms back.</summary>
    public void Restore(ReadOnlySpan<BatchNormParameters> norms)
    {
        for (var i = 0; i < norms.Length; i++)
        {
            if (norms[i].RunningMean != null) Of(2 * i).CopyTo(new Span<float>(norms[i].RunningMean, _channels));
            if (norms[i].RunningVariance != null) Of((2 * i) + 1).CopyTo(new Span<float>(norms[i].RunningVariance, _channels));
        }
    }

    public void Dispose() => ArrayPool<float>.Shared.Return(_values);

    private Span<float> Of(int row) => _values.AsSpan(row * _channels, _channels);
}
