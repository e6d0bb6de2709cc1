using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// Inference at stride 1, plane by plane, neighbouring pixels of a row in the lanes: nothing is transposed, and memory is walked in order.
/// </summary>
internal unsafe struct XSepPlaneInferWork<TLanes, TVector, TActivation> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    public XSepStageShape Shape;
    public XSepStageParameters Parameters;
    public PlaneGroups Groups;
    public float* Input;
    public float* Output;

    // Of larger maps the caches do not hold input and output, and the other way prefetches both.
    private const long MostFloats = 5 << 18;

    /// <summary>
    /// Whether there are sweeps, transposing would cost more than the lanes which are idle beyond the end of a row, and the map is small;
    /// at K = 9 images that fill the lanes are faster in them.
    /// </summary>
    public static bool Fits(in XSepStageShape shape) =>
        shape.Stride == 1 && PlaneSweeps<TLanes, TVector, TActivation>.Has(shape.Kernel)
            && (long)shape.Batch * shape.Channels * shape.InputPlane <= MostFloats
            && Math.Min(shape.Height, shape.Width) > shape.Kernel / 2
        && 4 * shape.Width >= 3 * BlockedMap.Blocks(shape.Width, TLanes.Count) * TLanes.Count
        && (shape.Kernel < 9 || shape.Batch < TLanes.Count);

    /// <summary>Items here are groups: a block of channels of an image. Those of the same channels follow each other.</summary>
    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        var b = new Buffers(ref layout, Shape);
        if (!layout.HasMemory) return;
        var current = -1;
        ItemLanes item = default;
        for (var i = first; i < end; i++)
        {
            var index = i / Groups.GroupsPerItem;
            if (index != current)
            {
                item = new ItemLanes(Groups, Groups.Item(index), Shape.Batch, TLanes.Count);
                Prepare(item, b);
                current = index;
            }

            RunGroup(item, i % Groups.GroupsPerItem, b);
        }
    }

    private readonly void Prepare(in ItemLanes item, in Buffers b)
    {
        NormStatistics<TLanes, TVector>.Fold(item, Parameters.First, b.First);
        NormStatistics<TLanes, TVector>.Fold(item, Parameters.Second, b.Second);
        NormStatistics<TLanes, TVector>.Fold(item, Parameters.Third, b.Third);
        var far = Far(item);
        for (var column = 0; column < BlockedMap.Blocks(Shape.Width, TLanes.Count) * TLanes.Count; column++)
        {
            b.RowMask[column] = Mask(column < Shape.Width);
            b.FarMask[column] = Mask(column + far >= 0 && column + far < Shape.InputWidth);
        }

        static float Mask(bool isThere) => BitConverter.Int32BitsToSingle(isThere ? -1 : 0);
    }

    // Where the 2×2's other column lies.
    private readonly int Far(in ItemLanes item) => !Shape.Prepadded && item.Item.Padding.IsLeft() ? -1 : 1;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void RunGroup(in ItemLanes item, int group, in Buffers b)
    {
        PlaneSweep sweep;
        sweep.InputWidth = Shape.InputWidth;
        sweep.Height = Shape.Height;
        sweep.Width = Shape.Width;
        sweep.ZerosAbove = !Shape.Prepadded && item.Item.Padding.IsTop();
        sweep.ZerosBelow = !Shape.Prepadded && !item.Item.Padding.IsTop();
        sweep.Far = Far(item);
        sweep.FarMask = b.FarMask;
        sweep.RowMask = b.RowMask;
        sweep.MiddleRow = b.MiddleRow;
        sweep.Border = Shape.Kernel / 2;

        var channels = item.Item.Count;
        var output = Output + item.Planes(group, Shape.OutputPlane).Offset;
        TwoByTwo(&sweep, item, group, 0, b);
        for (var channel = 0; channel < channels; channel++)
        {
            // One plane ahead: what was stored a moment ago can't be loaded at another offset yet.
            if (channel < channels - 1) TwoByTwo(&sweep, item, group, channel + 1, b);

            // A plane's last vectors are longer than its rows. The next plane puts that right, but for the last one's.
            var isLast = channel == channels - 1;
            sweep.Output = isLast ? b.Plane : output;
            OneByK(&sweep, item, channel, b);
            if (isLast) new ReadOnlySpan<float>(b.Plane, Shape.OutputPlane).CopyTo(new Span<float>(output, Shape.OutputPlane));
            output += Shape.OutputPlane;
        }
    }

    private readonly void TwoByTwo(PlaneSweep* sweep, in ItemLanes item, int group, int channel, in Buffers b)
    {
        var index = item.Item.Channel + channel;
        sweep->Input = Input + item.Planes(group, Shape.InputPlane).Offset + ((nint)channel * Shape.InputPlane);
        var isFirst = group == 0 && index == 0;
        var isLast = group == Shape.Batch - 1 && index == Shape.Channels - 1;
        if (isFirst || isLast)
        {
            // Loads may begin before a plane and end after it, but not outside the tensor.
            var copy = b.Plane + TLanes.Count;
            new ReadOnlySpan<float>(sweep->Input, Shape.InputPlane).CopyTo(new Span<float>(copy, Shape.InputPlane));
            sweep->Input = copy;
        }

        sweep->Middle = b.Middle(channel);
        sweep->TwoByTwo = Parameters.TwoByTwo + ((nint)index * 4);
        sweep->TwoByTwoScale = b.First.Scale[channel] * TActivation.InputScale;
        sweep->TwoByTwoBias = b.First.Shift[channel] * TActivation.InputScale;
        PlaneTwoByTwo<TLanes, TVector, TActivation>.Run(sweep);
    }

    private readonly void OneByK(PlaneSweep* sweep, in ItemLanes item, int channel, in Buffers b)
    {
        var index = item.Item.Channel + channel;
        sweep->Middle = b.Middle(channel);
        sweep->Horizontal = Parameters.Horizontal + ((nint)index * Shape.Kernel);
        sweep->HorizontalScale = b.Second.Scale[channel] * TActivation.OutputScale * TActivation.InputScale;
        sweep->HorizontalBias = b.Second.Shift[channel] * TActivation.InputScale;
        sweep->Vertical = Parameters.Vertical + ((nint)index * Shape.Kernel);
        sweep->VerticalScale = b.Third.Scale[channel] * TActivation.OutputScale;
        sweep->VerticalBias = b.Third.Shift[channel];
        if (Shape.ActivateOutput) PlaneSweeps<TLanes, TVector, TActivation>.Run<TActivation>(Shape.Kernel, sweep);
        else PlaneSweeps<TLanes, TVector, TActivation>.Run<IdentityActivation>(Shape.Kernel, sweep);
    }

    private readonly struct Buffers
    {
        public readonly NormLanes First;
        public readonly NormLanes Second;
        public readonly NormLanes Third;
        public readonly float* FarMask;
        public readonly float* RowMask;
        public readonly int MiddleRow;

        /// <summary>One plane, a vector before it and two after.</summary>
        public readonly float* Plane;

        private readonly float* _middle;
        private readonly nint _middlePlane;

        public Buffers(ref ScratchLayout layout, in XSepStageShape shape)
        {
            var lanes = TLanes.Count;
            var vectors = BlockedMap.Blocks(shape.Width, TLanes.Count);
            var rowVectors = vectors + BlockedMap.Blocks(2 * (shape.Kernel / 2), TLanes.Count);
            First = new NormLanes(ref layout);
            Second = new NormLanes(ref layout);
            Third = new NormLanes(ref layout);
            FarMask = layout.Vectors(vectors);
            RowMask = layout.Vectors(vectors);
            MiddleRow = rowVectors * lanes;
            Plane = layout.Zeros(BlockedMap.Blocks(shape.InputPlane, TLanes.Count) + 3);
            _middle = layout.Zeros(2L * rowVectors * shape.Height);
            _middlePlane = (nint)MiddleRow * shape.Height;
        }

        /// <summary>What the 2×2 gives for a channel: one buffer for even ones, one for odd.</summary>
        public readonly float* Middle(int channel) => _middle + (channel % 2 * _middlePlane);
    }
}
