using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Brings planes into the layout [row][column][lane] and back. Every tap of a convolution is then a whole aligned vector.</summary>
internal static unsafe class PlaneBlocks<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private const int MostLanes = 16;

    /// <summary>Lanes without a plane are filled with zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Load(float* planes, nint planeStride, int valid, int size, float* destination)
    {
        var lanes = TLanes.Count;
        if (valid < lanes || size < lanes)
        {
            LoadPartial(planes, planeStride, valid, size, destination);
            return;
        }

        var last = size - lanes;
        for (var element = 0; element <= last; element += lanes)
        {
            TLanes.Transpose(planes + element, planeStride, destination + ((nint)element * lanes), lanes);
        }

        // The rest overlaps what is done: the same values are written twice.
        if (size % lanes != 0) TLanes.Transpose(planes + last, planeStride, destination + ((nint)last * lanes), lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store(float* source, int size, float* planes, nint planeStride, int valid)
    {
        var lanes = TLanes.Count;
        if (valid < lanes || size < lanes)
        {
            StorePartial(source, size, planes, planeStride, valid);
            return;
        }

        var last = size - lanes;
        for (var element = 0; element <= last; element += lanes)
        {
            TLanes.Transpose(source + ((nint)element * lanes), lanes, planes + element, planeStride);
        }

        if (size % lanes != 0) TLanes.Transpose(source + ((nint)last * lanes), lanes, planes + last, planeStride);
    }

    /// <summary>The same, batch-normalised and activated on the way (in place, at the source).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store<TActivation>(float* source, in NormLanes norm, int size, float* planes, nint planeStride, int valid)
        where TActivation : struct, IActivation
    {
        var lanes = TLanes.Count;
        if (valid < lanes || size < lanes)
        {
            NormPasses<TLanes, TVector>.Activate<TActivation>(source, norm, 1, size, source, 0);
            StorePartial(source, size, planes, planeStride, valid);
            return;
        }

        var last = size - lanes;
        for (var element = 0; element < size; element += lanes)
        {
            var block = source + ((nint)element * lanes);
            NormPasses<TLanes, TVector>.Activate<TActivation>(block, norm, 1, Math.Min(lanes, size - element), block, 0);
            // The rest overlaps what is done: the same values are written twice.
            var start = Math.Min(element, last);
            TLanes.Transpose(source + ((nint)start * lanes), lanes, planes + start, planeStride);
        }
    }

    private static void LoadPartial(float* planes, nint planeStride, int valid, int size, float* destination)
    {
        var lanes = TLanes.Count;
        var block = stackalloc float[2 * MostLanes * MostLanes];
        var transposed = block + (MostLanes * MostLanes);
        new Span<float>(block, MostLanes * MostLanes).Clear();
        for (var element = 0; element < size; element += lanes)
        {
            var count = Math.Min(lanes, size - element);
            for (var lane = 0; lane < valid; lane++)
            {
                new ReadOnlySpan<float>(planes + (lane * planeStride) + element, count).CopyTo(new Span<float>(block + (lane * lanes), count));
            }

            TLanes.Transpose(block, lanes, transposed, lanes);
            new ReadOnlySpan<float>(transposed, count * lanes).CopyTo(new Span<float>(destination + ((nint)element * lanes), count * lanes));
        }
    }

    private static void StorePartial(float* source, int size, float* planes, nint planeStride, int valid)
    {
        var lanes = TLanes.Count;
        var block = stackalloc float[2 * MostLanes * MostLanes];
        var transposed = block + (MostLanes * MostLanes);
        new Span<float>(block, MostLanes * MostLanes).Clear();
        for (var element = 0; element < size; element += lanes)
        {
            var count = Math.Min(lanes, size - element);
            new ReadOnlySpan<float>(source + ((nint)element * lanes), count * lanes).CopyTo(new Span<float>(block, count * lanes));
            TLanes.Transpose(block, lanes, transposed, lanes);
            for (var lane = 0; lane < valid; lane++)
            {
                new ReadOnlySpan<float>(transposed + (lane * lanes), count).CopyTo(new Span<float>(planes + (lane * planeStride) + element, count));
            }
        }
    }
}
