namespace XSepConv.Kernels;

/// <summary>
/// Training's batch norm → act → 1×K, and the same with K×1, of one group of planes: as sweeps where there are some, else line by line.
/// </summary>
internal readonly unsafe struct SeparatedPair<TLanes, TVector, TActivation>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    private readonly XSepStageShape _shape;
    private readonly bool _sweeps;
    private readonly LineConvolution<TLanes, TVector> _across;
    private readonly LineConvolution<TLanes, TVector> _down;

    public SeparatedPair(ref ScratchLayout layout, in XSepStageShape shape, bool hasBackward)
    {
        _shape = shape;
        _sweeps = NormSweeps<TLanes, TVector, TActivation>.Fit(shape);
        if (_sweeps) return;
        _across = new(ref layout, shape.Width, shape.Kernel, shape.Stride, hasBackward);
        _down = new(ref layout, shape.Height, shape.Kernel, shape.Stride, hasBackward);
    }

    private Lines Rows => Lines.Rows(_shape.Height, _shape.Width, TLanes.Count);

    private Lines MiddleRows => Lines.Rows(_shape.Height, _shape.OutputWidth, TLanes.Count);

    private Lines Columns => Lines.Columns(_shape.OutputWidth, TLanes.Count);

    /// <summary>Takes an item's weights.</summary>
    public void Pack(in XSepLanes<TLanes, TVector> lanes)
    {
        if (_sweeps) return;
        _across.Pack(lanes.Horizontal);
        _down.Pack(lanes.Vertical);
    }

    /// <summary>The 1×K. Parameters as <see cref="NormSweep"/> has them.</summary>
    public void Across(float* source, float* destination, in NormLanes norm, float* weights, float* sum, Prefetch prefetch = default)
    {
        if (_sweeps)
        {
            NormSweeps<TLanes, TVector, TActivation>.Across(
                _shape.Kernel, new(source, destination, _shape.Height, _shape.Width, norm, weights, sum, prefetch));
            return;
        }

        _across.Forward<TActivation>(source, Rows, destination, MiddleRows, norm, sum, prefetch);
    }

    /// <summary>The K×1.</summary>
    public void Down(float* source, float* destination, in NormLanes norm, float* weights, float* sum, Prefetch prefetch = default)
    {
        if (_sweeps)
        {
            NormSweeps<TLanes, TVector, TActivation>.Down(
                _shape.Kernel, new(source, destination, _shape.Height, _shape.OutputWidth, norm, weights, sum, prefetch));
            return;
        }

        _down.Forward<TActivation>(source, Columns, destination, Columns, norm, sum, prefetch);
    }

    /// <summary>Back through the 1×K. Parameters as <see cref="GradientSweep"/> has them.</summary>
    public void ThroughAcross(
        float* gradient, float* result, in NormLanes after, float* given, float* destination, in NormLanes before, float* weights,
        float* sums, Prefetch prefetch = default)
    {
        if (_sweeps)
        {
            GradientSweeps<TLanes, TVector, TActivation>.Across(_shape.Kernel, new(
                gradient, result, given, destination, _shape.Height, _shape.Width, after, before, weights, sums, prefetch));
            return;
        }

        _across.Backward<TActivation>(gradient, result, MiddleRows, after, given, destination, Rows, before, sums, prefetch);
    }

    /// <summary>Back through the K×1.</summary>
    public void ThroughDown(
        float* gradient, float* result, in NormLanes after, float* given, float* destination, in NormLanes before, float* weights,
        float* sums, Prefetch prefetch = default)
    {
        if (_sweeps)
        {
            GradientSweeps<TLanes, TVector, TActivation>.Down(_shape.Kernel, new(
                gradient, result, given, destination, _shape.Height, _shape.OutputWidth, after, before, weights, sums, prefetch));
            return;
        }

        _down.Backward<TActivation>(gradient, result, Columns, after, given, destination, Columns, before, sums, prefetch);
    }
}
