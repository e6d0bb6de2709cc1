namespace XSepConv.Kernels;

internal readonly unsafe partial struct BlockTraining<TLanes, TVector>
{
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
            Norm<TActivation>(
                spatial, kept.Spatial.Third, block.SpatialNorm.Frozen, memory.SpatialSums, shape.SqueezesExpanded,
                shape.IsSeparated ? gradients.Vertical.Norm : gradients.Spatial.Norm);
            var panel = shape.Prepadded ? new TensorPanel(parameters.Padded, shape.In, gradients.Padded, default, default)
                : new TensorPanel(input, shape.In, null, default, default);
            if (shape.SkipsExpansion)
            {
                TensorMapWork<TLanes, TVector>.ToMap(panel, shape.ExpandChunks, memory.Source, threads);
                Stage<TActivation, IdentityActivation>(spatial);
            }
            else
            {
                if (shape.ExpandsAgain)
                {
                    PointwiseTraining<TLanes, TVector>.Convolve(
                        panel, shape.ExpandChunks, shape.In, shape.Expand, parameters.Expand.Weights, memory.Source, memory.Packed, null,
                        threads);
                }

                Stage<TActivation, TActivation>(spatial);
            }

            // Of a padded input the caller adds up, what is of another size than the shortcut's.
            var added = shape.IsAdded && !shape.Prepadded ? memory.Output : default;
            if (shape.HasShortcutConvolution)
            {
                if (!shape.Prepadded) added = gradients.Input == null ? default : memory.Input;
                PointwiseTraining<TLanes, TVector>.Backward(
                    new TensorPanel(input, shape.In, gradients.Input, added, default), shape.ShortcutChunks, memory.ShortcutWeights,
                    parameters.Shortcut.Weights, shortcut, memory.Packed, gradients.Shortcut.Weights, threads);
            }

            if (shape.SkipsExpansion)
            {
                if (gradients.Input == null) return;
                TensorMapWork<TLanes, TVector>.ToTensor(
                    new(null, shape.In, gradients.Input, default, added), shape.ExpandChunks, memory.Expand, threads);
                return;
            }

            var expand = PendingMap.Of(memory.Source, kept.Expand, shape.Batch, shape.ExpandedPlane, TLanes.Count) with
            {
                Gradient = memory.Expand,
            };
            if (!shape.Prepadded) panel = new(input, shape.In, gradients.Input, default, added);
            PointwiseTraining<TLanes, TVector>.Backward(
                panel, shape.ExpandChunks, memory.ExpandWeights, parameters.Expand.Weights, expand, memory.Packed,
                gradients.Expand.Weights, threads);
        }

        private void Stage<TActivation, TSource>(in PendingMap spatial)
            where TActivation : struct, IActivation
            where TSource : struct, IActivation
        {
            if (block._shape.IsSeparated) Separated<TActivation, TSource>(spatial);
            else if (block._shape.Stride == 1) Depthwise<Stride1, TSource>(spatial);
            else Depthwise<Stride2, TSource>(spatial);
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
            var parameters = block._parameters;
            Norm<IdentityActivation>(
                project, kept.Project, parameters.Project.Norm.Frozen, memory.ProjectSums, shape.SqueezesOutput, gradients.Project.Norm);
            if (!shape.HasShortcutConvolution) return;
            Norm<IdentityActivation>(
                shortcut, kept.Shortcut, parameters.Shortcut.Norm.Frozen, memory.ShortcutSums, false, gradients.Shortcut.Norm);
        }

        private void Norm<TActivation>(
            in PendingMap map, in MapNorm norm, bool frozen, float* sums, bool squeezes, in BatchNormGradients to)
            where TActivation : struct, IActivation
        {
            var chunks = block._shape.ProjectChunks;
            if (!squeezes)
            {
                BlockNorms<TLanes, TVector>.FinishGradient(sums, chunks.Segments, chunks.Pixels, frozen, norm, to);
                return;
            }

            block._kept.SqueezeExcite.Backward<TActivation>(
                map, norm, frozen, chunks, sums, block._parameters.Squeeze, block._parameters.Excite, to, gradients.Squeeze,
                gradients.Excite, memory.SqueezeExcite, memory.Packed, block._threads);
        }

        private void Separated<TActivation, TSource>(in PendingMap spatial)
            where TActivation : struct, IActivation
            where TSource : struct, IActivation
        {
            var work = new XSepMapBackwardWork<TLanes, TVector, TActivation, TSource>
            {
                Shape = block._shape.XSep,
                Parameters = block._parameters.XSep,
                SourceNorm = block._kept.Expand,
                Source = memory.Source,
                SourceGradient = memory.Expand,
                SourceFrozen = block._parameters.Expand.Norm.Frozen,
                SourceGradients = gradients.Expand.Norm,
                Norms = block._kept.Spatial,
                Output = spatial,
                Gradients = gradients.XSep,
            };
            KernelThreads.Run(work, BlockedMap.Blocks(block._shape.Expand, TLanes.Count), block._threads, TLanes.Count);
        }

        private void Depthwise<TStride, TSource>(in PendingMap spatial)
            where TStride : struct, IStride
            where TSource : struct, IActivation
        {
            var work = new DepthwiseMapBackwardWork<TLanes, TVector, TStride, TSource>
            {
                Shape = block._shape.Depthwise,
                Parameters = block._parameters.Depthwise,
                SourceNorm = block._kept.Expand,
                Source = memory.Source,
                SourceGradient = memory.Expand,
                SourceFrozen = block._parameters.Expand.Norm.Frozen,
                SourceGradients = gradients.Expand.Norm,
                Output = spatial,
                WeightGradient = gradients.Spatial.Weights,
            };
            KernelThreads.Run(work, BlockedMap.Blocks(block._shape.Expand, TLanes.Count), block._threads, TLanes.Count);
        }
    }
}
