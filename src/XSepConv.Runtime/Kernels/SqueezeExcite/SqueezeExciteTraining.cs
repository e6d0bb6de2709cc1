using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Squeeze-excite in training, on a map whose norm is still to be applied.</summary>
/// <remarks>
/// Before the activation it takes no pass over the map, only its images' sums: the gates become part of the map's coefficients, one for
/// each image. After it the means are taken in a pass of their own, and the gradient before the activation is made in one.
/// </remarks>
internal unsafe struct SqueezeExciteTraining<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private readonly int _channels, _squeezed, _images;
    private readonly bool _isActivated;
    private readonly PixelChunks _chunks;
    private readonly BlockedMap _pooled, _middle, _gate;
    private readonly MapNorm _squeeze, _excite;
    private readonly float* _gates, _scale, _shift, _direct, _offset, _ones;

    /// <param name="layout">Of what is kept from forward to backward.</param>
    /// <param name="activated">The activation comes before it.</param>
    public SqueezeExciteTraining(ref ScratchLayout layout, int images, int channels, int squeezed, bool activated)
    {
        (_channels, _squeezed, _images, _isActivated) = (channels, squeezed, images, activated);
        _chunks = new(1, images, channels + squeezed);
        _pooled = BlockedMap.Take(ref layout, channels, images);
        _middle = BlockedMap.Take(ref layout, squeezed, images);
        _gate = BlockedMap.Take(ref layout, channels, images);
        _squeeze = new MapNorm(ref layout, squeezed);
        _excite = new MapNorm(ref layout, channels);
        var vectors = (long)images * BlockedMap.Blocks(channels, TLanes.Count);
        ImageMeans = layout.Vectors(vectors);
        _gates = layout.Vectors(vectors);
        _scale = layout.Vectors(vectors);
        _shift = layout.Vectors(vectors);
        _direct = layout.Vectors(vectors);
        _offset = layout.Vectors(vectors);
        _ones = layout.Vectors(1 + BlockedMap.Blocks(channels, TLanes.Count));
    }

    /// <summary>
    /// [block][image][lane], written by who makes the map: of the raw map, less the norm's mean; or of the activated map.
    /// </summary>
    /// <remarks>
    /// Images' means lie near the batch's, the nearer the larger the map: as numbers of their own they would keep few digits of what the
    /// norm then makes large.
    /// </remarks>
    public float* ImageMeans { get; }

    public readonly MapNorm Squeeze => _squeeze;

    public readonly MapNorm Excite => _excite;

    private readonly int Blocks => BlockedMap.Blocks(_channels, TLanes.Count);

    /// <summary>Vectors of packed weights.</summary>
    public readonly long PackedVectors => PointwiseTraining<TLanes, TVector>.PackedVectors(_channels, _squeezed);

    /// <summary>Vectors of records in forward, of the convolution with the more: it may squeeze to more channels than there are.</summary>
    public readonly long RecordVectors => (long)_chunks.Segments * BlockedMap.Blocks(Math.Max(_channels, _squeezed), TLanes.Count)
        * SegmentStatistics<TLanes, TVector>.RecordVectors;

    /// <summary>Whether the images' means are numbers: of infinite ones their sums know no sign.</summary>
    public readonly bool IsPlain()
    {
        foreach (var mean in new ReadOnlySpan<float>(ImageMeans, _images * Blocks * TLanes.Count))
        {
            if (!float.IsFinite(mean)) return false;
        }

        return true;
    }

    /// <summary>The map with the gates in its coefficients, or after its activation.</summary>
    public readonly PendingMap Gated(in PendingMap map) => _isActivated ? map with { Gates = _gates } : map with
    {
        Scale = _scale,
        Shift = _shift,
        Direct = _direct,
        Offset = _offset,
        CoefficientBlock = (nint)_images * TLanes.Count,
        CoefficientImage = TLanes.Count,
    };

    /// <summary>From the images' means to the gates.</summary>
    /// <param name="norm">The map's.</param>
    public readonly void Forward(
        in MapNorm norm, in ConvNormParameters squeeze, in ConvNormParameters excite, float* packed, float* records, int threads)
    {
        Pool(norm);
        PointwiseTraining<TLanes, TVector>.Forward(
            new PendingPanel<IdentityActivation>(Pooled(default), null, 0), _chunks, _channels, squeeze, _squeeze, _middle, packed,
            records, threads);
        PointwiseTraining<TLanes, TVector>.Forward(
            new PendingPanel<ReluActivation>(Middle(default), null, 0), _chunks, _squeezed, excite, _excite, _gate, packed, records,
            threads);
        Gate(norm);
    }

    /// <summary>From sums of the gated map's gradient to the coefficients of the raw map's gradient.</summary>
    /// <param name="map">With its gradient: before the activation, or after the gates where the activation comes before them.</param>
    /// <param name="norm">The map's, with its parameters; its coefficients of backward are written.</param>
    /// <param name="chunks">Of the sums.</param>
    /// <param name="sums">
    /// [block][segment], two vectors each: of the gradient, and of gradient · (raw − mean); or of gradient · activated.
    /// </param>
    /// <param name="work">Of what is needed here only.</param>
    public readonly void Backward<TActivation>(
        in PendingMap map, in MapNorm norm, bool frozen, in PixelChunks chunks, float* sums, in ConvNormParameters squeeze,
        in ConvNormParameters excite, in BatchNormGradients gradients, in ConvNormGradients squeezeGradients,
        in ConvNormGradients exciteGradients, SqueezeExciteWork<TLanes, TVector> work, float* packed, int threads)
        where TActivation : struct, IActivation
    {
        ThroughGate(norm, chunks, sums, work);
        BlockNorms<TLanes, TVector>.FinishGradient(work.Sums, _images, _images, excite.Norm.Frozen, _excite, exciteGradients.Norm);
        var gate = PendingMap.Of(_gate, _excite, 1, _images, TLanes.Count) with { Gradient = work.Gate };
        PointwiseTraining<TLanes, TVector>.Backward(
            new PendingPanel<ReluActivation>(Middle(work.Middle), work.Sums, _chunks.Segments), _chunks, work.ExciteSums, excite.Weights,
            gate, packed, exciteGradients.Weights, threads);
        BlockNorms<TLanes, TVector>.FinishGradient(
            work.Sums, _chunks.Segments, _images, squeeze.Norm.Frozen, _squeeze, squeezeGradients.Norm);
        PointwiseTraining<TLanes, TVector>.Backward(
            new PendingPanel<IdentityActivation>(Pooled(work.Pooled), work.Sums, _chunks.Segments), _chunks, work.SqueezeSums,
            squeeze.Weights, Middle(work.Middle), packed, squeezeGradients.Weights, threads);
        if (_isActivated)
        {
            var through = new GateGradientWork<TLanes, TVector, TActivation>
            {
                Chunks = chunks,
                Map = map,
                Means = work.Pooled,
                Sums = sums,
            };
            KernelThreads.Run(through, chunks.Count, threads, TLanes.Count);
            BlockNorms<TLanes, TVector>.FinishGradient(sums, chunks.Segments, chunks.Pixels, frozen, norm, gradients);
            return;
        }

        ThroughPool(chunks, sums, work);
        BlockNorms<TLanes, TVector>.FinishGradient(work.Sums, _images, chunks.Pixels, frozen, norm, gradients);
        Combine(norm, chunks.Plane, work);
    }

    /// <summary>What backward needs besides.</summary>
    public readonly SqueezeExciteWork<TLanes, TVector> Work(ref ScratchLayout layout) =>
        new(ref layout, _channels, _squeezed, _images, _chunks);

    private readonly PendingMap Pooled(BlockedMap gradient) => new()
    {
        Channels = _channels,
        Images = 1,
        Plane = _images,
        Raw = _pooled,
        Gradient = gradient,
        Scale = _ones,
        Shift = _ones + TLanes.Count,
        Mean = _ones + TLanes.Count,
        CoefficientBlock = 0,
    };

    private readonly PendingMap Middle(BlockedMap gradient) =>
        PendingMap.Of(_middle, _squeeze, 1, _images, TLanes.Count) with { Gradient = gradient };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Pool(in MapNorm norm)
    {
        TLanes.Store(_ones, TLanes.Splat(1));
        for (var k = 0; k < Blocks; k++)
        {
            TLanes.Store(_ones + ((k + 1) * TLanes.Count), TLanes.Splat(0));
            var scale = _isActivated ? TLanes.Splat(1) : TLanes.Load(norm.Scale + (k * TLanes.Count));
            var shift = _isActivated ? TLanes.Splat(0) : AtMean(norm, k);
            for (var image = 0; image < _images; image++)
            {
                TLanes.Store(
                    _pooled.At(k, image, TLanes.Count), TLanes.MultiplyAdd(TLanes.Load(ImageMeans + At(k, image)), scale, shift));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Gate(in MapNorm norm)
    {
        for (var k = 0; k < Blocks; k++)
        {
            var scale = TLanes.Load(norm.Scale + (k * TLanes.Count));
            var shift = TLanes.Load(norm.Shift + (k * TLanes.Count));
            for (var image = 0; image < _images; image++)
            {
                var gate = HSigmoidActivation.Apply<TLanes, TVector>(GateInput(k, image));
                TLanes.Store(_gates + At(k, image), gate);
                TLanes.Store(_scale + At(k, image), TLanes.Multiply(scale, gate));
                TLanes.Store(_shift + At(k, image), TLanes.Multiply(shift, gate));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ThroughGate(
        in MapNorm norm, in PixelChunks chunks, float* sums, in SqueezeExciteWork<TLanes, TVector> work)
    {
        for (var k = 0; k < Blocks; k++)
        {
            var scale = TLanes.Load(norm.Scale + (k * TLanes.Count));
            var atMean = AtMean(norm, k);
            var gateMean = TLanes.Load(_excite.Mean + (k * TLanes.Count));
            for (var image = 0; image < _images; image++)
            {
                var (sum, product) = OfImage(chunks, sums, k, image);
                var gradient = _isActivated ? sum : TLanes.MultiplyAdd(product, scale, TLanes.Multiply(sum, atMean));
                gradient = HSigmoidActivation.Backward<TLanes, TVector>(GateInput(k, image), gradient, out _);
                TLanes.Store(work.Gate.At(k, image, TLanes.Count), gradient);
                var raw = TLanes.Load(_gate.At(k, image, TLanes.Count));
                TLanes.Store(work.Sums + (2 * At(k, image)), gradient);
                TLanes.Store(
                    work.Sums + (2 * At(k, image)) + TLanes.Count, TLanes.Multiply(gradient, TLanes.Subtract(raw, gateMean)));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ThroughPool(in PixelChunks chunks, float* sums, in SqueezeExciteWork<TLanes, TVector> work)
    {
        for (var k = 0; k < Blocks; k++)
        {
            for (var image = 0; image < _images; image++)
            {
                var (sum, product) = OfImage(chunks, sums, k, image);
                var gate = TLanes.Load(_gates + At(k, image));
                var pooled = TLanes.Load(work.Pooled.At(k, image, TLanes.Count));
                var offset = TLanes.Load(ImageMeans + At(k, image));
                TLanes.Store(work.Sums + (2 * At(k, image)), TLanes.MultiplyAdd(gate, sum, pooled));
                TLanes.Store(
                    work.Sums + (2 * At(k, image)) + TLanes.Count, TLanes.MultiplyAdd(gate, product, TLanes.Multiply(pooled, offset)));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Combine(in MapNorm norm, int plane, in SqueezeExciteWork<TLanes, TVector> work)
    {
        var share = TLanes.Splat(1f / plane);
        for (var k = 0; k < Blocks; k++)
        {
            var direct = TLanes.Load(norm.Direct + (k * TLanes.Count));
            var offset = TLanes.Load(norm.Offset + (k * TLanes.Count));
            for (var image = 0; image < _images; image++)
            {
                var pooled = TLanes.Multiply(TLanes.Load(work.Pooled.At(k, image, TLanes.Count)), share);
                TLanes.Store(_direct + At(k, image), TLanes.Multiply(direct, TLanes.Load(_gates + At(k, image))));
                TLanes.Store(_offset + At(k, image), TLanes.MultiplyAdd(direct, pooled, offset));
            }
        }
    }

    /// <summary>What the norm makes of its mean: its bias.</summary>
    private static TVector AtMean(in MapNorm norm, int block)
    {
        var at = block * TLanes.Count;
        return TLanes.MultiplyAdd(TLanes.Load(norm.Scale + at), TLanes.Load(norm.Mean + at), TLanes.Load(norm.Shift + at));
    }

    private static (TVector Sum, TVector Product) OfImage(in PixelChunks chunks, float* sums, int block, int image)
    {
        TVector sum = TLanes.Splat(0), product = sum;
        var record = sums + ((((nint)block * chunks.Segments) + ((nint)image * chunks.SegmentsOfImage)) * 2 * TLanes.Count);
        for (var i = 0; i < chunks.SegmentsOfImage; i++)
        {
            sum = TLanes.Add(sum, TLanes.Load(record));
            product = TLanes.Add(product, TLanes.Load(record + TLanes.Count));
            record += 2 * TLanes.Count;
        }

        return (sum, product);
    }

    private readonly TVector GateInput(int block, int image) => TLanes.MultiplyAdd(
        TLanes.Load(_gate.At(block, image, TLanes.Count)), TLanes.Load(_excite.Scale + (block * TLanes.Count)),
        TLanes.Load(_excite.Shift + (block * TLanes.Count)));

    private readonly nint At(int block, int image) => (((nint)block * _images) + image) * TLanes.Count;
}
