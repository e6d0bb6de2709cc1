namespace XSepConv.Kernels;

/// <summary>
/// The batch normalisation of a blocked map: its statistics, and what follows from them, a vector for each block of channels. Zero in lanes
/// without a channel.
/// </summary>
internal readonly unsafe struct MapNorm
{
    private const int Vectors = 8;

    private readonly float* _memory;
    private readonly nint _apart;

    public MapNorm(ref ScratchLayout layout, int channels)
    {
        var blocks = BlockedMap.Blocks(channels, layout.Lanes);
        Channels = channels;
        _apart = (nint)blocks * layout.Lanes;
        _memory = layout.Vectors(Vectors * blocks);
    }

    public int Channels { get; }

    public float* Mean => _memory;

    public float* InverseStd => _memory + _apart;

    /// <summary>Of the batch, biased; not there where the norm is frozen.</summary>
    public float* Variance => _memory + (2 * _apart);

    /// <summary>y = x · scale + shift.</summary>
    public float* Scale => _memory + (3 * _apart);

    public float* Shift => _memory + (4 * _apart);

    /// <summary>Backward: the input's gradient is gradient · direct + input · slope + offset.</summary>
    public float* Direct => _memory + (5 * _apart);

    public float* Slope => _memory + (6 * _apart);

    public float* Offset => _memory + (7 * _apart);

    /// <summary>Before a forward: zero in all lanes.</summary>
    public void Clear() => new Span<float>(_memory, checked((int)(Vectors * _apart))).Clear();

    /// <summary>From the running statistics; without a norm it multiplies by one.</summary>
    public void Freeze(in BatchNormParameters parameters)
    {
        for (var c = 0; c < Channels; c++)
        {
            if (parameters.Weight != null)
            {
                SetInverse(parameters, c, parameters.RunningMean[c], 1 / Math.Sqrt(parameters.RunningVariance[c] + parameters.Epsilon));
                continue;
            }

            InverseStd[c] = Scale[c] = 1;
            Shift[c] = parameters.Bias == null ? 0 : parameters.Bias[c];
        }
    }

    /// <summary>From the batch's.</summary>
    public void Set(in BatchNormParameters parameters, int channel, double mean, double variance)
    {
        Variance[channel] = (float)variance;
        SetInverse(parameters, channel, mean, 1 / Math.Sqrt(variance + parameters.Epsilon));
    }

    /// <summary>
    /// From the sums of the gradient, and of gradient · (input − mean): the gradients of scale and shift, and the coefficients of backward.
    /// </summary>
    /// <param name="count">Values in the sums.</param>
    /// <param name="frozen">The statistics are constants.</param>
    public void SetGradient(int channel, double sum, double product, long count, bool frozen, in BatchNormGradients gradients)
    {
        double scale = Scale[channel], inverse = InverseStd[channel];
        var ofScale = product * inverse;
        if (gradients.Weight != null) gradients.Weight[channel] = (float)ofScale;
        gradients.Bias[channel] = (float)sum;
        var slope = frozen ? 0 : -scale / count * ofScale * inverse;
        Direct[channel] = Scale[channel];
        Slope[channel] = (float)slope;
        Offset[channel] = frozen ? 0 : (float)((-scale / count * sum) - (slope * Mean[channel]));
    }

    /// <summary>Whether float32 holds the squares that the statistics come from.</summary>
    public bool IsPlain() => new BatchNormStatistics { Mean = Mean, InverseStd = InverseStd }.IsPlain(Channels);

    /// <summary>Updates the running statistics.</summary>
    /// <param name="count">Values per channel.</param>
    public void UpdateRunning(in BatchNormParameters parameters, long count)
    {
        for (var c = 0; c < Channels; c++) RunningStatistics.Update(parameters, c, Mean[c], Variance[c], count);
    }

    private void SetInverse(in BatchNormParameters parameters, int channel, double mean, double inverse)
    {
        var scale = parameters.Weight[channel] * inverse;
        Mean[channel] = (float)mean;
        InverseStd[channel] = (float)inverse;
        Scale[channel] = (float)scale;
        Shift[channel] = (float)(parameters.Bias[channel] - (mean * scale));
    }
}
