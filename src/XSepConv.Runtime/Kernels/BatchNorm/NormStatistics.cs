using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Batch statistics of an item, and what follows from them.</summary>
/// <remarks>
/// Two passes: each lane's mean of one group, then deviations from it; groups and lanes are joined relative to the first lane's mean, so
/// that a mean far larger than the deviation costs no digits. Variances are biased, as torch normalises; the running variance is not.
/// </remarks>
internal static unsafe class NormStatistics<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>Vectors that <see cref="Measure"/> writes for each group.</summary>
    public const int RecordVectors = 3;

    // Added one after the other, in four sums; more as VectorSums does.
    private const int Few = 256;

    /// <summary>Second pass over one group: provisional mean, mean deviation from it, squared deviations.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Measure(float* values, int count, float* sum, float* record)
    {
        var lanes = TLanes.Count;
        var inverse = TLanes.Splat(1f / count);
        var mean = TLanes.Multiply(TLanes.Load(sum), inverse);
        var (deviations, squares) = Deviations(values, count, mean);
        TLanes.Store(record, mean);
        TLanes.Store(record + lanes, TLanes.Multiply(deviations, inverse));
        TLanes.Store(record + (2 * lanes), squares);
    }

    /// <summary>Sums of the deviations from <paramref name="mean"/>, and of their squares.</summary>
    public static (TVector Sum, TVector Squares) Deviations(float* values, int count, TVector mean)
    {
        if (count <= Few) return FewDeviations(values, count, mean);
        var half = ((count / 2) + Few - 1) / Few * Few;
        var (sum, squares) = Deviations(values, half, mean);
        var (other, others) = Deviations(values + ((nint)half * TLanes.Count), count - half, mean);
        return (TLanes.Add(sum, other), TLanes.Add(squares, others));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (TVector Sum, TVector Squares) FewDeviations(float* values, int count, TVector mean)
    {
        var lanes = TLanes.Count;
        TVector s0 = TLanes.Splat(0), s1 = s0, s2 = s0, s3 = s0;
        TVector q0 = s0, q1 = s0, q2 = s0, q3 = s0;
        var i = 0;
        for (; i <= count - 4; i += 4)
        {
            var d0 = TLanes.Subtract(TLanes.Load(values), mean);
            var d1 = TLanes.Subtract(TLanes.Load(values + lanes), mean);
            var d2 = TLanes.Subtract(TLanes.Load(values + (2 * lanes)), mean);
            var d3 = TLanes.Subtract(TLanes.Load(values + (3 * lanes)), mean);
            s0 = TLanes.Add(s0, d0);
            s1 = TLanes.Add(s1, d1);
            s2 = TLanes.Add(s2, d2);
            s3 = TLanes.Add(s3, d3);
            q0 = TLanes.MultiplyAdd(d0, d0, q0);
            q1 = TLanes.MultiplyAdd(d1, d1, q1);
            q2 = TLanes.MultiplyAdd(d2, d2, q2);
            q3 = TLanes.MultiplyAdd(d3, d3, q3);
            values += 4 * lanes;
        }

        for (; i < count; i++)
        {
            var d = TLanes.Subtract(TLanes.Load(values), mean);
            s0 = TLanes.Add(s0, d);
            q0 = TLanes.MultiplyAdd(d, d, q0);
            values += lanes;
        }

        return (TLanes.Add(TLanes.Add(s0, s1), TLanes.Add(s2, s3)), TLanes.Add(TLanes.Add(q0, q1), TLanes.Add(q2, q3)));
    }

    /// <summary>Joins the groups' records into mean, variance and the coefficients that <see cref="Coefficients"/> gives.</summary>
    /// <param name="count">Values in each record's lane.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Combine(in ItemLanes item, float* records, int count, in NormLanes norm, double epsilon)
    {
        var lanes = TLanes.Count;
        var origin = item.LanesAreImages ? TLanes.Splat(records[0]) : TLanes.Load(records);
        var total = TLanes.Splat(0);
        for (var g = 0; g < item.Groups; g++)
        {
            total = TLanes.Add(total, item.Masked<TLanes, TVector>(Deviation(records, g, origin), g));
        }

        var share = TLanes.Splat(1f / item.PlanesPerChannel);
        var offset = TLanes.Multiply(item.Reduced<TLanes, TVector>(total), share);
        var squares = TLanes.Splat(0);
        var size = TLanes.Splat(count);
        for (var g = 0; g < item.Groups; g++)
        {
            var record = records + (g * RecordVectors * lanes);
            var between = TLanes.Subtract(Deviation(records, g, origin), offset);
            var inner = TLanes.Load(record + lanes);
            var correction = TLanes.Subtract(TLanes.Multiply(between, between), TLanes.Multiply(inner, inner));
            squares = TLanes.Add(squares,
                item.Masked<TLanes, TVector>(TLanes.MultiplyAdd(size, correction, TLanes.Load(record + (2 * lanes))), g));
        }

        var variance = TLanes.Multiply(item.Reduced<TLanes, TVector>(squares), TLanes.Splat(1f / (item.PlanesPerChannel * (float)count)));
        variance = TLanes.Max(TLanes.Splat(0), variance);
        TLanes.Store(norm.Mean, TLanes.Add(origin, offset));
        TLanes.Store(norm.Variance, variance);
        Coefficients(norm, epsilon);
    }

    /// <summary>The same of a stage: its statistics are written, its running ones updated.</summary>
    public static void Finish(
        in ItemLanes item, float* records, int count, in NormLanes norm, in BatchNormParameters parameters,
        in BatchNormStatistics statistics)
    {
        Combine(item, records, count, norm, parameters.Epsilon);
        item.Unpack(norm.Mean, 1, statistics.Mean);
        item.Unpack(norm.InverseStd, 1, statistics.InverseStd);
        RunningStatistics.Update(parameters, item.Item, norm, (long)item.PlanesPerChannel * count);
    }

    /// <summary>Scale and shift from the running statistics, and the scale folded into the weights before it.</summary>
    /// <param name="weights">As they are spread, <paramref name="taps"/> vectors; none where they are folded later.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fold(in ItemLanes item, in BatchNormParameters parameters, in NormLanes norm, float* weights = null, int taps = 0)
    {
        item.Pack<TLanes, TVector>(parameters.Weight, 1, norm.Weight);
        item.Pack<TLanes, TVector>(parameters.Bias, 1, norm.Bias);
        item.Pack<TLanes, TVector>(parameters.RunningMean, 1, norm.Mean);
        item.Pack<TLanes, TVector>(parameters.RunningVariance, 1, norm.Variance);
        Coefficients(norm, parameters.Epsilon);
        var scale = TLanes.Load(norm.Scale);
        for (var tap = 0; tap < taps; tap++)
        {
            var weight = weights + (tap * TLanes.Count);
            TLanes.Store(weight, TLanes.Multiply(TLanes.Load(weight), scale));
        }
    }

    /// <summary>Inverse deviation, scale and shift from mean and variance.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Coefficients(in NormLanes norm, double epsilon)
    {
        var inverse = TLanes.Divide(TLanes.Splat(1), TLanes.Sqrt(TLanes.Add(TLanes.Load(norm.Variance), TLanes.Splat((float)epsilon))));
        TLanes.Store(norm.InverseStd, inverse);
        Scale(norm);
    }

    /// <summary>Scale and shift from mean and inverse deviation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(in NormLanes norm)
    {
        var scale = TLanes.Multiply(TLanes.Load(norm.Weight), TLanes.Load(norm.InverseStd));
        var down = TLanes.Multiply(TLanes.Load(norm.Mean), TLanes.Splat(-1));
        TLanes.Store(norm.Scale, scale);
        TLanes.Store(norm.Shift, TLanes.MultiplyAdd(down, scale, TLanes.Load(norm.Bias)));
    }

    /// <summary>
    /// From the sums of the gradient, and of gradient · (input − mean), over all of a channel: the gradients of scale and shift (in place
    /// of the sums, in the order shift, scale), and the coefficients that <see cref="NormPasses{TLanes, TVector}.NormBackward"/> needs.
    /// </summary>
    /// <param name="count">Values per channel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GradientCoefficients(in ItemLanes item, float* sums, long count, in NormLanes norm, bool frozen)
    {
        var lanes = TLanes.Count;
        var inverseStd = TLanes.Load(norm.InverseStd);
        var shiftGradient = item.Reduced<TLanes, TVector>(TLanes.Load(sums));
        var scaleGradient = TLanes.Multiply(item.Reduced<TLanes, TVector>(TLanes.Load(sums + lanes)), inverseStd);
        TLanes.Store(sums, shiftGradient);
        TLanes.Store(sums + lanes, scaleGradient);

        var direct = TLanes.Load(norm.Scale);
        TLanes.Store(norm.Direct, direct);
        if (frozen)
        {
            TLanes.Store(norm.Slope, TLanes.Splat(0));
            TLanes.Store(norm.Offset, TLanes.Splat(0));
            return;
        }

        var share = TLanes.Multiply(direct, TLanes.Splat(-1f / count));
        var slope = TLanes.Multiply(TLanes.Multiply(share, scaleGradient), inverseStd);
        TLanes.Store(norm.Slope, slope);
        TLanes.Store(norm.Offset, TLanes.Subtract(TLanes.Multiply(share, shiftGradient), TLanes.Multiply(slope, TLanes.Load(norm.Mean))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Deviation(float* records, int group, TVector origin)
    {
        var record = records + (group * RecordVectors * TLanes.Count);
        return TLanes.Add(TLanes.Subtract(TLanes.Load(record), origin), TLanes.Load(record + TLanes.Count));
    }
}
