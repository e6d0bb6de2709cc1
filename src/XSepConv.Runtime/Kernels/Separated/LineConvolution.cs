using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// Batch norm → act → one-dimensional depthwise convolution of one group of planes, any K, stride 1 or 2, along rows or down columns: line
/// by line through a buffer in the first cache.
/// </summary>
/// <remarks>Taps beyond the map are not computed but for those that results which share a tile do not share.</remarks>
internal readonly unsafe struct LineConvolution<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private readonly int _kernel;
    private readonly int _stride;
    private readonly int _length;
    private readonly int _results;
    private readonly PhaseBuffers _even;
    private readonly PhaseBuffers _odd;
    private readonly LineTable _forward;
    private readonly float* _gradients;
    private readonly float* _sums;

    /// <param name="layout">Where buffers and tables lie.</param>
    /// <param name="length">Values of a line.</param>
    /// <param name="kernel">K, odd.</param>
    /// <param name="stride">1 or 2.</param>
    /// <param name="hasBackward">Whether gradients will be asked for.</param>
    public LineConvolution(ref ScratchLayout layout, int length, int kernel, int stride, bool hasBackward)
    {
        (_kernel, _stride, _length) = (kernel, stride, length);
        _results = ((length - 1) / stride) + 1;
        _forward = new LineTable(ref layout, _results, stride);
        if (hasBackward) _gradients = layout.Zeros(_results + (2 * LineTable.Border)) + (LineTable.Border * layout.Lanes);
        _sums = layout.Vectors(2);
        _even = new PhaseBuffers(ref layout, new(kernel, stride, length, 0), hasBackward);
        _odd = Phases == 1 ? default : new PhaseBuffers(ref layout, new(kernel, stride, length, 1), hasBackward);
        if (!layout.HasMemory) return;
        _forward.Clear();
        for (var r = 0; r < Phases; r++)
        {
            var b = Phase(r);
            var phase = b.Phase;
            _forward.Add(b.Weights, b.Reversed, phase.Taps, phase.Offset, b.Values, phase.Length, layout.Lanes);
            if (!hasBackward) continue;

            // The gradient of value m takes tap q from result m − q − offset.
            b.Transposed.Clear();
            b.Transposed.Add(b.Reversed, b.Weights, phase.Taps, 1 - phase.Taps - phase.Offset, _gradients, _results, layout.Lanes);
            b.WeightTable.Clear();
            b.WeightTable.Add(_gradients, null, _results, phase.Offset, b.Values, phase.Length, layout.Lanes);
        }
    }

    // Of a line with one value there is no odd one.
    private int Phases => Math.Min(_stride, _length);

    /// <summary>Takes an item's weights, K vectors.</summary>
    public void Pack(float* weights)
    {
        var lanes = TLanes.Count;
        for (var r = 0; r < Phases; r++)
        {
            var b = Phase(r);
            var phase = b.Phase;
            for (var q = 0; q < phase.Taps; q++)
            {
                var w = TLanes.Load(weights + ((phase.FirstTap + (_stride * q)) * (nint)lanes));
                TLanes.Store(b.Weights + ((nint)q * lanes), w);
                TLanes.Store(b.Reversed + ((nint)(phase.Taps - 1 - q) * lanes), w);
            }
        }
    }

    /// <summary>Training's forward.</summary>
    /// <param name="source">What the batch normalisation is given.</param>
    /// <param name="input">Its lines.</param>
    /// <param name="destination">The results, which may be the source's memory.</param>
    /// <param name="output">Their lines.</param>
    /// <param name="norm">The batch normalisation.</param>
    /// <param name="sum">Written: each lane's sum of the results.</param>
    /// <param name="prefetch">What will be needed soon.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward<TActivation>(
        float* source, in Lines input, float* destination, in Lines output, in NormLanes norm, float* sum, Prefetch prefetch)
        where TActivation : struct, IActivation
    {
        ClearSums();
        LineOutput target;
        target.Step = output.Step;
        target.Sums = _sums;
        for (var line = 0; line < input.Count; line++)
        {
            Fill<TActivation>(source + (line * input.Next), input.Step, norm, ref prefetch);
            target.Destination = destination + (line * output.Next);
            _forward.Run<TLanes, TVector, MeasuredLine<TLanes, TVector>>(&target);
        }

        TLanes.Store(sum, TLanes.Load(_sums));
    }

    /// <summary>Inference: one line, whose values are what the nonlinearity before gave.</summary>
    /// <param name="values">The line.</param>
    /// <param name="step">From one value to the next.</param>
    /// <param name="destination">The results.</param>
    /// <param name="outputStep">From one to the next.</param>
    /// <param name="bias">What each result begins with.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Infer<TActivation>(float* values, nint step, float* destination, nint outputStep, float* bias)
        where TActivation : struct, IActivation
    {
        var lanes = TLanes.Count;
        for (var r = 0; r < Phases; r++)
        {
            var b = Phase(r);
            var source = values + (r * step);
            var target = b.Values;
            for (var i = b.Phase.Length; i > 0; i--)
            {
                TLanes.Store(target, TLanes.Load(source));
                source += _stride * step;
                target += lanes;
            }
        }

        LineOutput output;
        output.Destination = destination;
        output.Step = outputStep;
        output.Bias = bias;
        output.Sums = _sums;
        _forward.Run<TLanes, TVector, ActivatedLine<TLanes, TVector, TActivation>>(&output);
    }

    /// <summary>Training's backward, from after the next batch normalisation to after the one before.</summary>
    /// <param name="gradient">The gradient after the next batch normalisation.</param>
    /// <param name="result">What the convolution gave to it.</param>
    /// <param name="output">The lines of both.</param>
    /// <param name="after">The next batch normalisation.</param>
    /// <param name="given">What the batch normalisation before is given.</param>
    /// <param name="destination">The gradient after it; may be the memory of what lies in the same lines.</param>
    /// <param name="input">The lines of both.</param>
    /// <param name="before">The batch normalisation before.</param>
    /// <param name="sums">
    /// Written: the sum of the destination, that of destination · (given − mean), and K vectors of the weights' gradients.
    /// </param>
    /// <param name="prefetch">What will be needed soon.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward<TActivation>(
        float* gradient, float* result, in Lines output, in NormLanes after, float* given, float* destination, in Lines input,
        in NormLanes before, float* sums, Prefetch prefetch)
        where TActivation : struct, IActivation
    {
        var lanes = TLanes.Count;
        ClearSums();
        for (var r = 0; r < Phases; r++) new Span<float>(Phase(r).WeightGradients, Phase(r).Phase.Taps * lanes).Clear();
        LineOutput target;
        target.Step = _stride * input.Step;
        target.Scale = before.Scale;
        target.Shift = before.Shift;
        target.Mean = before.Mean;
        target.Sums = _sums;
        LineOutput weights;
        weights.Step = lanes;
        weights.Sums = sums;
        TLanes.Store(sums, TLanes.Splat(0));
        TLanes.Store(sums + lanes, TLanes.Splat(0));
        for (var line = 0; line < output.Count; line++)
        {
            NormBackward(gradient + (line * output.Next), result + (line * output.Next), output.Step, after, ref prefetch);
            for (var r = 0; r < Phases; r++)
            {
                var b = Phase(r);
                var place = (line * input.Next) + (r * input.Step);
                target.Destination = destination + place;
                target.Given = given + place;
                target.Value = b.Values;
                b.Transposed.Run<TLanes, TVector, GradientLine<TLanes, TVector, TActivation>>(&target);
                weights.Destination = b.WeightGradients;
                b.WeightTable.Run<TLanes, TVector, AddedLine<TLanes, TVector>>(&weights);
            }
        }

        TLanes.Store(sums, TLanes.Load(_sums));
        TLanes.Store(sums + lanes, TLanes.Load(_sums + lanes));
        for (var k = 0; k < _kernel; k++) TLanes.Store(sums + ((2 + k) * (nint)lanes), TLanes.Splat(0));
        for (var r = 0; r < Phases; r++)
        {
            var b = Phase(r);
            for (var q = 0; q < b.Phase.Taps; q++)
            {
                var tap = sums + ((2 + b.Phase.FirstTap + (_stride * q)) * (nint)lanes);
                TLanes.Store(tap, TLanes.Load(b.WeightGradients + ((nint)q * lanes)));
            }
        }
    }

    private PhaseBuffers Phase(int phase) => phase == 0 ? _even : _odd;

    private void ClearSums() => new Span<float>(_sums, 2 * TLanes.Count).Clear();

    private void Fill<TActivation>(float* source, nint step, in NormLanes norm, ref Prefetch prefetch)
        where TActivation : struct, IActivation
    {
        var lanes = TLanes.Count;
        var scale = TLanes.Load(norm.Scale);
        var shift = TLanes.Load(norm.Shift);
        for (var r = 0; r < Phases; r++)
        {
            var b = Phase(r);
            var x = source + (r * step);
            var target = b.Values;
            var count = b.Phase.Length;
            if (prefetch.IsOn)
            {
                for (var i = 0; i < count; i++) prefetch.Line(i);
                prefetch = prefetch.After(count);
            }

            for (; count > 0; count--)
            {
                TLanes.Store(target, TActivation.Apply<TLanes, TVector>(TLanes.MultiplyAdd(TLanes.Load(x), scale, shift)));
                x += _stride * step;
                target += lanes;
            }
        }
    }

    private void NormBackward(float* gradient, float* result, nint step, in NormLanes norm, ref Prefetch prefetch)
    {
        var direct = TLanes.Load(norm.Direct);
        var slope = TLanes.Load(norm.Slope);
        var offset = TLanes.Load(norm.Offset);
        var target = _gradients;
        if (prefetch.IsOn)
        {
            for (var i = 0; i < _results; i++) prefetch.Line(i);
            prefetch = prefetch.After(_results);
        }

        for (var i = _results; i > 0; i--)
        {
            var d = TLanes.MultiplyAdd(TLanes.Load(result), slope, TLanes.MultiplyAdd(TLanes.Load(gradient), direct, offset));
            TLanes.Store(target, d);
            gradient += step;
            result += step;
            target += TLanes.Count;
        }
    }

    private readonly struct PhaseBuffers
    {
        public readonly LinePhase Phase;
        public readonly float* Values;
        public readonly float* Weights;
        public readonly float* Reversed;
        public readonly float* WeightGradients;
        public readonly LineTable Transposed;
        public readonly LineTable WeightTable;

        public PhaseBuffers(ref ScratchLayout layout, LinePhase phase, bool hasBackward)
        {
            Phase = phase;
            Values = layout.Zeros(phase.Length + (2 * LineTable.Border)) + (LineTable.Border * layout.Lanes);
            Weights = layout.Vectors(phase.Taps);
            Reversed = layout.Vectors(phase.Taps);
            if (!hasBackward) return;
            WeightGradients = layout.Vectors(phase.Taps);
            Transposed = new LineTable(ref layout, phase.Length, 1);
            WeightTable = new LineTable(ref layout, phase.Taps, 1);
        }
    }
}

/// <summary>Lines of a plane of vectors, in floats.</summary>
/// <param name="Count">How many.</param>
/// <param name="Next">From one to the next.</param>
/// <param name="Step">From one vector of a line to the next.</param>
internal readonly record struct Lines(int Count, nint Next, nint Step)
{
    /// <summary>The rows of a plane without gaps.</summary>
    public static Lines Rows(int height, int width, int lanes) => new(height, (nint)width * lanes, lanes);

    /// <summary>Its columns.</summary>
    public static Lines Columns(int width, int lanes) => new(width, lanes, (nint)width * lanes);
}
