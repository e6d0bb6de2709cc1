using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// The 2×2 of one block of channels in a blocked map. Where its lanes are padded in several ways, it runs once for each, and each lane
/// takes its own.
/// </summary>
internal readonly unsafe struct MixedTwoByTwo<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private const int Weights = 4;

    private readonly XSepStageShape _shape;
    private readonly float** _rows;
    private readonly float* _zeros;
    private readonly float* _mask;
    private readonly float* _other;
    private readonly float* _otherSide;
    private readonly float* _framed;

    public MixedTwoByTwo(ref ScratchLayout layout, in XSepStageShape shape, bool hasBackward)
    {
        _shape = shape;
        Source = layout.Vectors(shape.InputPlane);
        _zeros = layout.Zeros(shape.InputWidth);
        _rows = layout.Rows(shape.Height + 1);
        if (hasBackward) _framed = layout.Zeros((long)(shape.Height + 2) * (shape.Width + 2));
        if (shape.Prepadded || shape.Padding != PaddingDirection.Symmetric) return;
        _mask = layout.Vectors(1);
        _other = layout.Vectors(shape.Plane);
        _otherSide = layout.Vectors(Weights);
    }

    /// <summary>The input, of <see cref="XSepStageShape.InputPlane"/> vectors; written by the caller.</summary>
    public float* Source { get; }

    /// <summary>Where the gradient of the result goes, and from one row of it to the next; the frame around it is zero.</summary>
    public float* Gradient => _framed + FramedRow + TLanes.Count;

    public nint FramedRow => (nint)(_shape.Width + 2) * TLanes.Count;

    /// <param name="block">Which block.</param>
    /// <param name="weights">Four vectors.</param>
    /// <param name="destination">Height × width vectors.</param>
    /// <param name="sum">Written: each lane's sum of the result.</param>
    public void Forward(int block, float* weights, float* destination, float* sum)
    {
        var row = (nint)_shape.Width * TLanes.Count;
        for (var lane = 0; lane < TLanes.Count; lane = EndOf(block, lane))
        {
            var padding = Padding(block, lane);
            if (_shape.Prepadded) IndirectionBuffer.Dense(_rows, Source, (nint)_shape.InputWidth * TLanes.Count, _shape.InputHeight);
            else IndirectionBuffer.PadOneSide(_rows, Source, row, _shape.Height, padding.IsTop(), _zeros);
            TwoByTwo<TLanes, TVector>.Forward<MeasuredFinish>(
                _rows, _shape.Height, _shape.Width, _shape.Prepadded ? 0 : padding.IsLeft() ? -1 : 1, weights,
                lane == 0 ? destination : _other, row, lane == 0 ? sum : _otherSide);
            if (lane == 0) continue;
            Take(lane, _other, destination, _shape.Plane);
            Take(lane, _otherSide, sum, 1);
        }
    }

    /// <param name="block">Which block.</param>
    /// <param name="weights">Four vectors.</param>
    /// <param name="inputGradient">Written, in the layout of the source.</param>
    /// <param name="weightGradients">Written, four vectors.</param>
    public void Backward(int block, float* weights, float* inputGradient, float* weightGradients)
    {
        for (var lane = 0; lane < TLanes.Count; lane = EndOf(block, lane))
        {
            var padding = Padding(block, lane);
            int top = !_shape.Prepadded && padding.IsTop() ? 1 : 0, left = !_shape.Prepadded && padding.IsLeft() ? 1 : 0;
            TwoByTwo<TLanes, TVector>.Backward(
                Gradient + (top * FramedRow) + (left * TLanes.Count), FramedRow, Source, _shape.InputHeight, _shape.InputWidth, weights,
                lane == 0 ? inputGradient : _other, lane == 0 ? weightGradients : _otherSide);
            if (lane == 0) continue;
            Take(lane, _other, inputGradient, _shape.Plane);
            Take(lane, _otherSide, weightGradients, Weights);
        }
    }

    // Lanes without a channel are padded as the last one.
    private PaddingDirection Padding(int block, int lane) => _shape.Prepadded ? PaddingDirection.RightBottom
        : _shape.Padding.ForChannel(Math.Min((block * TLanes.Count) + lane, _shape.Channels - 1), _shape.Channels);

    // The first lane after this one that is padded otherwise.
    private int EndOf(int block, int lane)
    {
        var padding = Padding(block, lane);
        do lane++;
        while (lane < TLanes.Count && Padding(block, lane) == padding);
        return lane;
    }

    // Takes the lanes from one on; by bits, since nothing may come of values that are no numbers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Take(int lane, float* from, float* to, int count)
    {
        for (var i = 0; i < TLanes.Count; i++) ((int*)_mask)[i] = i < lane ? 0 : -1;
        var mask = TLanes.Load(_mask);
        for (; count > 0; count--)
        {
            TLanes.Store(to, TLanes.Add(TLanes.KeepFirst(TLanes.Load(to), lane), TLanes.And(TLanes.Load(from), mask)));
            from += TLanes.Count;
            to += TLanes.Count;
        }
    }
}
