namespace XSepConv.Kernels;

/// <summary>The running mean and variance, as torch updates them.</summary>
internal static unsafe class RunningStatistics
{
    /// <param name="norm">Batch statistics, a channel in each of the first lanes.</param>
    /// <param name="count">Values per channel; the running variance is the unbiased one.</param>
    public static void Update(in BatchNormParameters parameters, PlaneItem item, in NormLanes norm, long count)
    {
        for (var i = 0; i < item.Count; i++) Update(parameters, item.Channel + i, norm.Mean[i], norm.Variance[i], count);
    }

    public static void Update(in BatchNormParameters parameters, int channel, double mean, double biasedVariance, long count)
    {
        var share = parameters.Momentum;
        if (parameters.RunningMean != null)
        {
            parameters.RunningMean[channel] = (float)((parameters.RunningMean[channel] * (1 - share)) + (mean * share));
        }

        if (parameters.RunningVariance != null)
        {
            var unbiased = biasedVariance * count / (count - 1);
            parameters.RunningVariance[channel] = (float)((parameters.RunningVariance[channel] * (1 - share)) + (unbiased * share));
        }
    }
}
