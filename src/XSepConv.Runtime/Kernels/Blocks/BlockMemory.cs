namespace XSepConv.Kernels;

/// <summary>
/// What a block keeps from forward to backward: the raw maps after the spatial stage and after the projection, the one before both where it
/// is not made again, and norms.
/// </summary>
internal readonly unsafe struct BlockMemory<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public readonly MapNorm Expand;

    /// <summary>The K×K's alone is the third.</summary>
    public readonly XSepMapNorms Spatial;
    public readonly MapNorm Project;
    public readonly MapNorm Shortcut;
    public readonly SqueezeExciteTraining<TLanes, TVector> SqueezeExcite;

    /// <summary>Not there where nothing is expanded, or where it is made again.</summary>
    public readonly BlockedMap ExpandRaw;
    public readonly BlockedMap SpatialRaw;
    public readonly BlockedMap ProjectRaw;
    public readonly BlockedMap ShortcutRaw;

    public BlockMemory(ref ScratchLayout layout, in BlockTrainingShape shape)
    {
        long input = (long)shape.Batch * shape.ExpandedPlane, output = (long)shape.Batch * shape.OutputPlane;
        Expand = new MapNorm(ref layout, shape.Expand);
        if (shape.HasTwoByTwo) Spatial.First = new MapNorm(ref layout, shape.Expand);
        if (shape.IsSeparated) Spatial.Second = new MapNorm(ref layout, shape.Expand);
        Spatial.Third = new MapNorm(ref layout, shape.Expand);
        Project = new MapNorm(ref layout, shape.Out);
        if (shape.HasSqueeze)
        {
            SqueezeExcite = new(
                ref layout, shape.Batch, shape.SqueezesOutput ? shape.Out : shape.Expand, shape.Squeezed,
                shape.ActivatesBeforeSqueeze && !shape.SqueezesOutput);
        }

        if (!shape.SkipsExpansion && !shape.ExpandsAgain) ExpandRaw = BlockedMap.Take(ref layout, shape.Expand, input);
        SpatialRaw = BlockedMap.Take(ref layout, shape.Expand, output);
        ProjectRaw = BlockedMap.Take(ref layout, shape.Out, output);
        if (!shape.HasShortcutConvolution) return;
        Shortcut = new MapNorm(ref layout, shape.Out);
        ShortcutRaw = BlockedMap.Take(ref layout, shape.Out, output);
    }

    /// <summary>What the spatial stage reads: the expanded map where that is kept, else room for it, or for the input.</summary>
    public BlockedMap Source(ref ScratchLayout layout, in BlockTrainingShape shape) => ExpandRaw.IsThere ? ExpandRaw
        : BlockedMap.Take(ref layout, shape.SkipsExpansion ? shape.In : shape.Expand, (long)shape.Batch * shape.ExpandedPlane);

    /// <summary>The result of the spatial stage, without its gradient.</summary>
    public PendingMap SpatialMap(in BlockTrainingShape shape)
    {
        var map = PendingMap.Of(SpatialRaw, Spatial.Third, shape.Batch, shape.OutputPlane, TLanes.Count);
        return shape.SqueezesExpanded ? SqueezeExcite.Gated(map) : map;
    }

    /// <summary>The result of the projection, without its gradient.</summary>
    public PendingMap ProjectMap(in BlockTrainingShape shape)
    {
        var map = PendingMap.Of(ProjectRaw, Project, shape.Batch, shape.OutputPlane, TLanes.Count);
        return shape.SqueezesOutput ? SqueezeExcite.Gated(map) : map;
    }
}

/// <summary>Memory of a forward alone.</summary>
internal readonly unsafe struct BlockForwardMemory<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public readonly float* Packed;
    public readonly float* Records;

    /// <summary>What the spatial stage reads: the expanded map, or the input where it is not expanded.</summary>
    public readonly BlockedMap Source;

    public BlockForwardMemory(ref ScratchLayout layout, in BlockTrainingShape shape, in BlockMemory<TLanes, TVector> kept)
    {
        Packed = layout.Vectors(PackedVectors(shape, kept));
        Source = kept.Source(ref layout, shape);
        var records = Math.Max(
            (long)shape.ExpandChunks.Segments * BlockedMap.Blocks(shape.Expand, TLanes.Count),
            (long)Math.Max(shape.ProjectChunks.Segments, shape.ShortcutChunks.Segments) * BlockedMap.Blocks(shape.Out, TLanes.Count));
        records *= SegmentStatistics<TLanes, TVector>.RecordVectors;
        Records = layout.Vectors(shape.HasSqueeze ? Math.Max(records, kept.SqueezeExcite.RecordVectors) : records);
    }

    /// <summary>Of the convolution with the most.</summary>
    public static long PackedVectors(in BlockTrainingShape shape, in BlockMemory<TLanes, TVector> kept)
    {
        var most = Math.Max(
            PointwiseTraining<TLanes, TVector>.PackedVectors(shape.In, shape.Expand),
            PointwiseTraining<TLanes, TVector>.PackedVectors(shape.Expand, shape.Out));
        if (shape.HasSqueeze) most = Math.Max(most, kept.SqueezeExcite.PackedVectors);
        return shape.HasShortcutConvolution
            ? Math.Max(most, PointwiseTraining<TLanes, TVector>.PackedVectors(shape.In, shape.Out)) : most;
    }
}

/// <summary>Memory of a backward alone.</summary>
internal readonly unsafe struct BlockBackwardMemory<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public readonly float* Packed;

    /// <summary>The gradient of the block's output.</summary>
    public readonly BlockedMap Output;
    public readonly BlockedMap Spatial;
    public readonly BlockedMap Expand;

    /// <summary>What the spatial stage reads: the expanded map, or the input where it is not expanded.</summary>
    public readonly BlockedMap Source;

    /// <summary>The input's by the shortcut's convolution.</summary>
    public readonly BlockedMap Input;

    /// <summary>Two vectors a block and segment.</summary>
    public readonly float* ProjectSums;
    public readonly float* ShortcutSums;
    public readonly float* SpatialSums;

    public readonly PointwiseSums ExpandWeights;
    public readonly PointwiseSums ProjectWeights;
    public readonly PointwiseSums ShortcutWeights;
    public readonly SqueezeExciteWork<TLanes, TVector> SqueezeExcite;

    public BlockBackwardMemory(ref ScratchLayout layout, in BlockTrainingShape shape, in BlockMemory<TLanes, TVector> kept)
    {
        long input = (long)shape.Batch * shape.ExpandedPlane, output = (long)shape.Batch * shape.OutputPlane;
        Packed = layout.Vectors(BlockForwardMemory<TLanes, TVector>.PackedVectors(shape, kept));
        Output = BlockedMap.Take(ref layout, shape.Out, output);
        Spatial = BlockedMap.Take(ref layout, shape.Expand, output);

        // At stride 1 a block of channels is read to its end before its place is written.
        Expand = shape.Stride == 1 && !shape.Prepadded ? Spatial : BlockedMap.Take(ref layout, shape.Expand, input);
        var segments = (long)shape.ProjectChunks.Segments * PendingPanel<IdentityActivation>.SumVectors;
        ProjectSums = layout.Vectors(segments * BlockedMap.Blocks(shape.Out, TLanes.Count));
        SpatialSums = layout.Vectors(segments * BlockedMap.Blocks(shape.Expand, TLanes.Count));
        ExpandWeights = new(ref layout, shape.In, shape.Expand, shape.ExpandChunks);
        ProjectWeights = new(ref layout, shape.Expand, shape.Out, shape.ProjectChunks);
        if (shape.HasSqueeze) SqueezeExcite = kept.SqueezeExcite.Work(ref layout);
        Source = kept.Source(ref layout, shape);
        if (!shape.HasShortcutConvolution) return;
        Input = BlockedMap.Take(ref layout, shape.In, (long)shape.Batch * shape.Plane);
        ShortcutSums = layout.Vectors(segments * BlockedMap.Blocks(shape.Out, TLanes.Count));
        ShortcutWeights = new(ref layout, shape.In, shape.Out, shape.ShortcutChunks);
    }
}
