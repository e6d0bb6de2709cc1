namespace XSepConv.Kernels;

/// <summary>
/// Training's batch norm → act → 1×K, or the same with K×1, of one group of planes: as a sweep where there is one, else line by line.
/// </summary>
internal readonly unsafe struct SeparatedLine<TLanes, TVector, TActivation>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    private readonly XSepStageShape _shape;
    private readonly float* _weights;
    private readonly bool _down;
    private readonly bool _sweeps;
    private readonly Lines _before;
    private readonly Lines _after;
    private readonly LineConvolution<TLanes, TVector> _lines;

    /// <param name="layout">Where buffers and tables lie.</param>
    /// <param name="shape">The stage.</param>
    /// <param name="down">Whether it is the K×1, after the 1×K.</param>
    /// <param name="weights">Where an item's weights will be, K vectors.</param>
    /// <param name="hasBackward">Whether gradients will be asked for.</param>
    public SeparatedLine(ref ScratchLayout layout, in XSepStageShape shape, bool down, float* weights, bool hasBackward)
    {
        _shape = shape;
        _down = down;
        _weights = weights;
        _sweeps = NormSweeps<TLanes, TVector, TActivation>.Fit(shape);
        if (_sweeps) return;
        var columns = Lines.Columns(shape.OutputWidth, TLanes.Count);
        _before = down ? columns : Lines.Rows(shape.Height, shape.Width, TLanes.Count);
        _after = down ? columns : Lines.Rows(shape.Height, shape.OutputWidth, TLanes.Count);
        _lines = new(ref layout, down ? shape.Height : shape.Width, shape.Kernel, shape.Stride, hasBackward);
    }

    /// <summary>Takes an item's weights.</summary>
    public void Pack()
    {
        if (!_sweeps) _lines.Pack(_weights);
    }

    /// <summary>Training's forward. Parameters as <see cref="NormSweep"/> has them.</summary>
    public void Forward(float* source, float* destination, in NormLanes norm, float* sum, Prefetch prefetch = default)
    {
        if (!_sweeps)
        {
            _lines.Forward<TActivation>(source, _before, destination, _after, norm, sum, prefetch);
            return;
        }

        var sweep = new NormSweep(source, destination, _shape.Height, _shape.Width, norm, _weights, sum, prefetch);
        if (_down) NormSweeps<TLanes, TVector, TActivation>.Down(_shape.Kernel, sweep);
        else NormSweeps<TLanes, TVector, TActivation>.Across(_shape.Kernel, sweep);
    }

    /// <summary>Training's backward. Parameters as <see cref="GradientSweep"/> has them.</summary>
    public void Backward(
        float* gradient, float* result, in NormLanes after, float* given, float* destination, in NormLanes before, float* sums,
        Prefetch prefetch = default)
    {
        if (!_sweeps)
        {
            _lines.Backward<TActivation>(gradient, result, _after, after, given, destination, _before, before, sums, prefetch);
            return;
        }

        var sweep = new GradientSweep(
            gradient, result, given, destination, _shape.Height, _shape.Width, after, before, _weights, sums, prefetch);
        if (_down) GradientSweeps<TLanes, TVector, TActivation>.Down(_shape.Kernel, sweep);
        else GradientSweeps<TLanes, TVector, TActivation>.Across(_shape.Kernel, sweep);
    }
}
