namespace XSepConv.Kernels;

/// <summary>One block in training, in one width of vector.</summary>
/// <remarks>
/// Wide maps are stored raw, as the convolutions give them; norms, activations and gates are applied where a map is read, in cache, and
/// undone there in backward. Nothing walks through memory but what the convolutions read and write.
/// </remarks>
internal readonly unsafe struct BlockTraining<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private readonly BlockTrainingShape _shape;
    private readonly BlockParameters _parameters;
    private readonly BlockMemory<TLanes, TVector> _kept;
    private readonly int _threads;

    private BlockTraining(in BlockTrainingShape shape, in BlockParameters parameters, float* kept, int threads)
    {
        (_shape, _parameters, _threads) = (shape, parameters, threads);
        var layout = new ScratchLayout(kept, TLanes.Count);
        _kept = new(ref layout, shape);
    }

    /// <summary>Floats that are kept, that forward needs besides, and that backward does.</summary>
    public static (long Kept, long Forward, long Backward) Sizes(in BlockTrainingShape shape)
    {
        ScratchLayout kept = new(null, TLanes.Count), forward = new(null, TLanes.Count), backward = new(null, TLanes.Count);
        var memory = new BlockMemory<TLanes, TVector>(ref kept, shape);
        _ = new BlockForwardMemory<TLanes, TVector>(ref forward, shape, memory);
        _ = new BlockBackwardMemory<TLanes, TVector>(ref backward, shape, memory);
        return (kept.Taken, forward.Taken, backward.Taken);
    }

    public static bool Forward(
        in BlockTrainingShape shape, in BlockParameters parameters, float* input, float* output, float* kept, float* work, int threads)
    {
        var training = new BlockTraining<TLanes, TVector>(shape, parameters, kept, threads);
        var layout = new ScratchLayout(work, TLanes.Count);
        var memory = new BlockForwardMemory<TLanes, TVector>(ref layout, shape, training._kept);
        var norms = training.Norms();
        foreach (var (norm, of, _) in norms)
        {
            norm.Clear();
            if (shape.Frozen) norm.Freeze(of);
        }

        ActivationTypes.Run(shape.Activation, new ForwardCall(training, memory, input, output));
        if (shape.HasSqueeze && !training._kept.SqueezeExcite.IsPlain()) return false;
        if (shape.Frozen) return true;
        if (!norms.TrueForAll(entry => entry.Norm.IsPlain())) return false;
        foreach (var (norm, of, count) in norms) norm.UpdateRunning(of, count);
        return true;
    }

    public static void Backward(
        in BlockTrainingShape shape, in BlockParameters parameters, float* input, float* outputGradient, float* kept, float* work,
        in BlockGradients gradients, int threads)
    {
        var training = new BlockTraining<TLanes, TVector>(shape, parameters, kept, threads);
        var layout = new ScratchLayout(work, TLanes.Count);
        var memory = new BlockBackwardMemory<TLanes, TVector>(ref layout, shape, training._kept);
        ActivationTypes.Run(shape.Activation, new BackwardCall(training, memory, gradients, input, outputGradient));
    }

    /// <summary>All norms, with their parameters and how many values of a channel each of them sees.</summary>
    private List<(MapNorm Norm, BatchNormParameters Parameters, long Count)> Norms()
    {
        long input = (long)_shape.Batch * _shape.Plane, output = (long)_shape.Batch * _shape.OutputPlane;
        List<(MapNorm, BatchNormParameters, long)> norms = [(_kept.Expand, _parameters.Expand.Norm, input)];
        if (_shape.IsXSep)
        {
            norms.Add((_kept.Spatial.First, _parameters.Spatial.Norm, input));
            norms.Add((_kept.Spatial.Second, _parameters.Horizontal.Norm, (long)_shape.Batch * _shape.XSep.MiddlePlane));
        }

        norms.Add((_kept.Spatial.Third, _shape.IsXSep ? _parameters.Vertical.Norm : _parameters.Spatial.Norm, output));
        norms.Add((_kept.Project, _parameters.Project.Norm, output));
        if (_shape.HasShortcutConvolution) norms.Add((_kept.Shortcut, _parameters.Shortcut.Norm, output));
        if (!_shape.HasSqueeze) return norms;
        norms.Add((_kept.SqueezeExcite.Squeeze, _parameters.Squeeze.Norm, _shape.Batch));
        norms.Add((_kept.SqueezeExcite.Excite, _parameters.Excite.Norm, _shape.Batch));
        return norms;
    }

    private readonly struct ForwardCall(
        BlockTraining<TLanes, TVector> block, BlockForwardMemory<TLanes, TVector> memory, float* input, float* output) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            var (shape, kept, parameters, threads) = (block._shape, block._kept, block._parameters, block._threads);
            PointwiseTraining<TLanes, TVector>.Forward(
                new TensorPanel(input, shape.In, null, default, default), shape.ExpandChunks, shape.In, parameters.Expand, kept.Expand,
                shape.Frozen, kept.ExpandRaw, memory.Packed, memory.Records, threads);
            if (shape.IsXSep) XSep<TActivation>();
            else if (shape.Stride == 1) Depthwise<Stride1, TActivation>();
            else Depthwise<Stride2, TActivation>();

            if (shape.SqueezesExpanded) SqueezeExcite(kept.Spatial.Third);
            PointwiseTraining<TLanes, TVector>.Forward(
                new PendingPanel<TActivation>(kept.SpatialMap(shape), null, 0), shape.ProjectChunks, shape.Expand, parameters.Project,
                kept.Project, shape.Frozen && !shape.SqueezesOutput, kept.ProjectRaw, memory.Packed, memory.Records, threads);
            if (shape.SqueezesOutput) SqueezeOutput();
            if (shape.HasShortcutConvolution)
            {
                PointwiseTraining<TLanes, TVector>.Forward(
                    new TensorPanel(input, shape.In, null, default, default), shape.ShortcutChunks, shape.In, parameters.Shortcut,
                    kept.Shortcut, shape.Frozen, kept.ShortcutRaw, memory.Packed, memory.Records, threads);
            }

            Finish();
        }

        private void XSep<TActivation>()
            where TActivation : struct, IActivation
        {
            var work = new XSepMapForwardWork<TLanes, TVector, TActivation>
            {
                Shape = block._shape.XSep,
                Parameters = block._parameters.XSep,
                SourceNorm = block._kept.Expand,
                Source = block._kept.ExpandRaw,
                Output = block._kept.SpatialRaw,
                Norms = block._kept.Spatial,
                Frozen = block._shape.Frozen,
                ImageMeans = block._shape.SqueezesExpanded ? block._kept.SqueezeExcite.ImageMeans : null,
            };
            KernelThreads.Run(work, BlockedMap.Blocks(block._shape.Expand, TLanes.Count), block._threads, TLanes.Count);
        }

        private void Depthwise<TStride, TActivation>()
            where TStride : struct, IStride
            where TActivation : struct, IActivation
        {
            var work = new DepthwiseMapForwardWork<TLanes, TVector, TStride, TActivation>
            {
                Shape = block._shape.Depthwise,
                Parameters = block._parameters.Depthwise,
                SourceNorm = block._kept.Expand,
                Source = block._kept.ExpandRaw,
                Output = block._kept.SpatialRaw,
                Norm = block._kept.Spatial.Third,
                Frozen = block._shape.Frozen,
                ImageMeans = block._shape.SqueezesExpanded ? block._kept.SqueezeExcite.ImageMeans : null,
            };
            KernelThreads.Run(work, BlockedMap.Blocks(block._shape.Expand, TLanes.Count), block._threads, TLanes.Count);
        }

        private void SqueezeOutput()
        {
            var (shape, kept) = (block._shape, block._kept);
            var chunks = shape.ProjectChunks;
            for (var k = 0; k < BlockedMap.Blocks(shape.Out, TLanes.Count); k++)
            {
                SegmentStatistics<TLanes, TVector>.ImageMeans(
                    memory.Records + ((nint)k * chunks.Segments * SegmentStatistics<TLanes, TVector>.RecordVectors * TLanes.Count), chunks,
                    kept.SqueezeExcite.ImageMeans + ((nint)k * shape.Batch * TLanes.Count));
            }

            // They were measured for the means; the norm has its own.
            if (shape.Frozen) kept.Project.Freeze(block._parameters.Project.Norm);
            SqueezeExcite(kept.Project);
        }

        private void SqueezeExcite(in MapNorm norm) => block._kept.SqueezeExcite.Forward(
            norm, block._parameters.Squeeze, block._parameters.Excite, block._shape.Frozen, memory.Packed, memory.Records, block._threads);

        private void Finish()
        {
            var (shape, kept) = (block._shape, block._kept);
            var work = new BlockOutputWork<TLanes, TVector, IdentityActivation>
            {
                Chunks = shape.ProjectChunks,
                Map = kept.ProjectMap(shape),
                Shortcut = shape.HasShortcutConvolution
                    ? PendingMap.Of(kept.ShortcutRaw, kept.Shortcut, shape.Batch, shape.OutputPlane, TLanes.Count) : default,
                Input = shape.IsAdded && !shape.HasShortcutConvolution ? input : null,
                Output = output,
            };
            KernelThreads.Run(work, shape.ProjectChunks.Count, block._threads, TLanes.Count);
        }
    }

    private readonly struct BackwardCall(
        BlockTraining<TLanes, TVector> block, BlockBackwardMemory<TLanes, TVector> memory, BlockGradients gradients, float* input,
        float* outputGradient) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            var (shape, kept, parameters, threads) = (block._shape, block._kept, block._parameters, block._threads);
            var project = kept.ProjectMap(shape) with { Gradient = memory.Output };
            var shortcut = shape.HasShortcutConvolution
                ? PendingMap.Of(kept.ShortcutRaw, kept.Shortcut, shape.Batch, shape.OutputPlane, TLanes.Count) with
                {
                    Gradient = memory.Output,
                }
                : default;
            Begin(project, shortcut);
            var spatial = kept.SpatialMap(shape) with { Gradient = memory.Spatial };
            var chunks = shape.ProjectChunks;
            PointwiseTraining<TLanes, TVector>.Backward(
                new PendingPanel<TActivation>(spatial, memory.SpatialSums, chunks.Segments), chunks, memory.ProjectWeights,
                parameters.Project.Weights, project, memory.Packed, gradients.Project.Weights, threads);
            Norm(kept.Spatial.Third, chunks, memory.SpatialSums, shape.SqueezesExpanded,
                shape.IsXSep ? gradients.Vertical.Norm : gradients.Spatial.Norm);
            if (shape.IsXSep) XSep<TActivation>(spatial);
            else if (shape.Stride == 1) Depthwise<Stride1, TActivation>(spatial);
            else Depthwise<Stride2, TActivation>(spatial);

            var added = shape.IsAdded ? memory.Output : default;
            if (shape.HasShortcutConvolution)
            {
                added = memory.Input;
                PointwiseTraining<TLanes, TVector>.Backward(
                    new TensorPanel(input, shape.In, null, gradients.Input == null ? default : added, default), shape.ShortcutChunks,
                    memory.ShortcutWeights, parameters.Shortcut.Weights, shortcut, memory.Packed, gradients.Shortcut.Weights, threads);
            }

            var expand = PendingMap.Of(kept.ExpandRaw, kept.Expand, shape.Batch, shape.Plane, TLanes.Count) with
            {
                Gradient = memory.Expand,
            };
            PointwiseTraining<TLanes, TVector>.Backward(
                new TensorPanel(input, shape.In, gradients.Input, default, added), shape.ExpandChunks, memory.ExpandWeights,
                parameters.Expand.Weights, expand, memory.Packed, gradients.Expand.Weights, threads);
        }

        private void Begin(in PendingMap project, in PendingMap shortcut)
        {
            var (shape, kept) = (block._shape, block._kept);
            var work = new BlockGradientWork<TLanes, TVector, IdentityActivation>
            {
                Chunks = shape.ProjectChunks,
                Map = project,
                Shortcut = shortcut,
                Gradient = outputGradient,
                Sums = memory.ProjectSums,
                ShortcutSums = memory.ShortcutSums,
            };
            KernelThreads.Run(work, shape.ProjectChunks.Count, block._threads, TLanes.Count);
            Norm(kept.Project, shape.ProjectChunks, memory.ProjectSums, shape.SqueezesOutput, gradients.Project.Norm);
            if (!shape.HasShortcutConvolution) return;
            Norm(kept.Shortcut, shape.ProjectChunks, memory.ShortcutSums, false, gradients.Shortcut.Norm);
        }

        private void Norm(in MapNorm norm, in PixelChunks chunks, float* sums, bool squeezes, in BatchNormGradients to)
        {
            var frozen = block._shape.Frozen;
            if (!squeezes)
            {
                BlockNorms<TLanes, TVector>.FinishGradient(sums, chunks.Segments, chunks.Pixels, frozen, norm, to);
                return;
            }

            block._kept.SqueezeExcite.Backward(
                norm, chunks, sums, block._parameters.Squeeze, block._parameters.Excite, frozen, to, gradients.Squeeze, gradients.Excite,
                memory.SqueezeExcite, memory.Packed, block._threads);
        }

        private void XSep<TActivation>(in PendingMap spatial)
            where TActivation : struct, IActivation
        {
            var work = new XSepMapBackwardWork<TLanes, TVector, TActivation>
            {
                Shape = block._shape.XSep,
                Parameters = block._parameters.XSep,
                SourceNorm = block._kept.Expand,
                Source = block._kept.ExpandRaw,
                SourceGradient = memory.Expand,
                SourceFrozen = block._shape.Frozen,
                SourceGradients = gradients.Expand.Norm,
                Norms = block._kept.Spatial,
                Output = spatial,
                Gradients = gradients.XSep,
                Frozen = block._shape.Frozen,
            };
            KernelThreads.Run(work, BlockedMap.Blocks(block._shape.Expand, TLanes.Count), block._threads, TLanes.Count);
        }

        private void Depthwise<TStride, TActivation>(in PendingMap spatial)
            where TStride : struct, IStride
            where TActivation : struct, IActivation
        {
            var work = new DepthwiseMapBackwardWork<TLanes, TVector, TStride, TActivation>
            {
                Shape = block._shape.Depthwise,
                Parameters = block._parameters.Depthwise,
                SourceNorm = block._kept.Expand,
                Source = block._kept.ExpandRaw,
                SourceGradient = memory.Expand,
                SourceFrozen = block._shape.Frozen,
                SourceGradients = gradients.Expand.Norm,
                Output = spatial,
                WeightGradient = gradients.Spatial.Weights,
            };
            KernelThreads.Run(work, BlockedMap.Blocks(block._shape.Expand, TLanes.Count), block._threads, TLanes.Count);
        }
    }
}
