namespace XSepConv.Kernels;

internal readonly unsafe partial struct BlockTraining<TLanes, TVector>
{
    private readonly struct ForwardCall(
        BlockTraining<TLanes, TVector> block, BlockForwardMemory<TLanes, TVector> memory, float* input, float* output) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            var (shape, kept, parameters, threads) = (block._shape, block._kept, block._parameters, block._threads);
            var tensor = new TensorPanel(shape.Prepadded ? parameters.Padded : input, shape.In, null, default, default);
            if (shape.SkipsExpansion)
            {
                TensorMapWork<TLanes, TVector>.ToMap(tensor, shape.ExpandChunks, memory.Source, threads);
                Stage<TActivation, IdentityActivation>();
            }
            else
            {
                PointwiseTraining<TLanes, TVector>.Forward(
                    tensor, shape.ExpandChunks, shape.In, parameters.Expand, kept.Expand, memory.Source, memory.Packed, memory.Records,
                    threads);
                Stage<TActivation, TActivation>();
            }

            if (shape.SqueezesExpanded)
            {
                if (shape.ActivatesBeforeSqueeze) TakeMeans<TActivation>();
                SqueezeExcite(kept.Spatial.Third);
            }

            PointwiseTraining<TLanes, TVector>.Forward(
                new PendingPanel<TActivation>(kept.SpatialMap(shape), null, 0), shape.ProjectChunks, shape.Expand, parameters.Project,
                kept.Project, kept.ProjectRaw, memory.Packed, memory.Records, threads);
            if (shape.SqueezesOutput) SqueezeOutput();
            if (shape.HasShortcutConvolution)
            {
                PointwiseTraining<TLanes, TVector>.Forward(
                    new TensorPanel(input, shape.In, null, default, default), shape.ShortcutChunks, shape.In, parameters.Shortcut,
                    kept.Shortcut, kept.ShortcutRaw, memory.Packed, memory.Records, threads);
            }

            Finish();
        }

        private void Separated<TActivation, TSource>()
            where TActivation : struct, IActivation
            where TSource : struct, IActivation
        {
            var work = new XSepMapForwardWork<TLanes, TVector, TActivation, TSource>
            {
                Shape = block._shape.XSep,
                Parameters = block._parameters.XSep,
                SourceNorm = block._kept.Expand,
                Source = memory.Source,
                Output = block._kept.SpatialRaw,
                Norms = block._kept.Spatial,
                ImageMeans = Means,
            };
            KernelThreads.Run(work, BlockedMap.Blocks(block._shape.Expand, TLanes.Count), block._threads, TLanes.Count);
        }

        // Where the activation comes first, the means are taken afterwards.
        private float* Means => block._shape.SqueezesExpanded && !block._shape.ActivatesBeforeSqueeze
            ? block._kept.SqueezeExcite.ImageMeans : null;

        private void Stage<TActivation, TSource>()
            where TActivation : struct, IActivation
            where TSource : struct, IActivation
        {
            if (block._shape.IsSeparated) Separated<TActivation, TSource>();
            else if (block._shape.Stride == 1) Depthwise<Stride1, TSource>();
            else Depthwise<Stride2, TSource>();
        }

        private void Depthwise<TStride, TSource>()
            where TStride : struct, IStride
            where TSource : struct, IActivation
        {
            var work = new DepthwiseMapForwardWork<TLanes, TVector, TStride, TSource>
            {
                Shape = block._shape.Depthwise,
                Parameters = block._parameters.Depthwise,
                SourceNorm = block._kept.Expand,
                Source = memory.Source,
                Output = block._kept.SpatialRaw,
                Norm = block._kept.Spatial.Third,
                ImageMeans = Means,
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
                    kept.Project.Mean + ((nint)k * TLanes.Count),
                    kept.SqueezeExcite.ImageMeans + ((nint)k * shape.Batch * TLanes.Count));
            }

            SqueezeExcite(kept.Project);
        }

        private void TakeMeans<TActivation>()
            where TActivation : struct, IActivation
        {
            var work = new ActivatedMeanWork<TLanes, TVector, TActivation>
            {
                Map = block._kept.SpatialMap(block._shape),
                Means = block._kept.SqueezeExcite.ImageMeans,
            };
            KernelThreads.Run(work, BlockedMap.Blocks(block._shape.Expand, TLanes.Count), block._threads, TLanes.Count);
        }

        private void SqueezeExcite(in MapNorm norm) => block._kept.SqueezeExcite.Forward(
            norm, block._parameters.Squeeze, block._parameters.Excite, memory.Packed, memory.Records, block._threads);

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
}
