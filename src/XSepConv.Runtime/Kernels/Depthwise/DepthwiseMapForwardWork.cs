using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// Training's K×K depthwise convolution from a pending map to a raw one, with its statistics. Items are blocks of channels.
/// </summary>
internal unsafe struct DepthwiseMapForwardWork<TLanes, TVector, TStride, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TStride : struct, IStride
    where TActivation : struct, IActivation
{
    /// <summary>Of the convolution; the activation in it does not count.</summary>
    public DepthwiseStageShape Shape;
    public DepthwiseStageParameters Parameters;
    public MapNorm SourceNorm;
    public BlockedMap Source;
    public BlockedMap Output;

    /// <summary>Written where the statistics are the batch's.</summary>
    public MapNorm Norm;

    /// <summary>Each image's mean, [block][image][lane]; null where it is not wanted.</summary>
    public float* ImageMeans;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var lanes = TLanes.Count;
        var packed = new DepthwiseLanes<TLanes, TVector>(ref layout, Shape.Kernel);
        var source = new NormLanes(ref layout);
        var bordered = layout.Bordered(Shape.Height, Shape.Width, Shape.Border);
        var records = layout.Vectors((long)Shape.Batch * NormStatistics<TLanes, TVector>.RecordVectors);
        var sum = layout.Vectors(1);
        if (!layout.HasMemory) return;
        var count = Shape.OutputPlane;
        for (var k = first; k < end; k++)
        {
            var item = MapItems.Of<TLanes, TVector>(Shape.Batch, Shape.Channels, k);
            packed.Pack(item, Parameters, Shape.Kernel);
            BlockNorms<TLanes, TVector>.Load(SourceNorm, k, source);
            for (var image = 0; image < Shape.Batch; image++)
            {
                NormPasses<TLanes, TVector>.NormaliseAndActivate<TActivation>(
                    Source.At(k, (nint)image * Shape.InputPlane, lanes), source, Shape.Height, Shape.Width, bordered.First,
                    bordered.RowFloats);
                var values = Output.At(k, (nint)image * count, lanes);
                DepthwiseRows<TLanes, TVector, TStride, IdentityActivation>.Run(
                    bordered, TapWindow.Square(Shape.Kernel), packed.Weights, packed.Zero, values, (nint)Shape.OutputWidth * lanes, lanes,
                    Shape.OutputHeight, Shape.OutputWidth);
                if (Parameters.Norm.Frozen && ImageMeans == null) continue;
                VectorSums<TLanes, TVector>.Sum(sum, values, count);
                NormStatistics<TLanes, TVector>.Measure(values, count, sum, MapItems.Record<TLanes, TVector>(records, image));
            }

            MapItems.Finish<TLanes, TVector>(item, k, records, count, packed.Norm, Parameters.Norm, Norm, ImageMeans);
        }
    }
}
