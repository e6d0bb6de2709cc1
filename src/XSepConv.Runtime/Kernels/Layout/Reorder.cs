using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// Reorders planes (NCHW) into blocks, [row][column][lane] (nChw16c, where lanes are channels), and back: every tap of a convolution is a
/// whole aligned vector then.
/// </summary>
internal static unsafe class Reorder<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private const int MaxLanes = 16;

    /// <summary>Planes to [row][column][lane]; lanes without a plane are filled with zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToBlocked(float* planes, nint planeStride, int valid, int size, float* destination)
    {
        var lanes = TLanes.Count;
        if (size < lanes)
        {
            ToBlockedPartly(planes, planeStride, valid, size, destination);
            return;
        }

        if (valid < lanes)
        {
            FewToBlocked(planes, planeStride, valid, size, destination);
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

    /// <summary>The same, with room for zeros at either end of each row, which stay as they are.</summary>
    /// <param name="destination">The first row's first element after its border.</param>
    /// <param name="dense">Room for the planes, used where rows are shorter than a vector.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToBordered(float* planes, in PlaneSpan span, int height, int width, in VectorMap destination, float* dense)
    {
        var lanes = TLanes.Count;
        var target = destination.First;
        if (span.Valid < lanes || width < lanes)
        {
            ToBlocked(planes + span.Offset, span.Stride, span.Valid, height * width, dense);
            var end = (nint)width * lanes;
            for (var row = 0; row < height; row++)
            {
                for (nint i = 0; i < end; i += lanes) TLanes.Store(target + i, TLanes.Load(dense + i));
                dense += end;
                target += destination.RowFloats;
            }

            return;
        }

        var source = planes + span.Offset;
        var last = width - lanes;
        for (var row = 0; row < height; row++)
        {
            for (var column = 0; column <= last; column += lanes)
            {
                TLanes.Transpose(source + column, span.Stride, target + ((nint)column * lanes), lanes);
            }

            // The rest overlaps what is done: the same values are written twice.
            if (width % lanes != 0) TLanes.Transpose(source + last, span.Stride, target + ((nint)last * lanes), lanes);
            source += width;
            target += destination.RowFloats;
        }
    }

    /// <summary>Back from [row][column][lane].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToPlanes(float* source, int size, float* planes, nint planeStride, int valid)
    {
        var lanes = TLanes.Count;
        if (size < lanes)
        {
            ToPlanesPartly(source, size, planes, planeStride, valid);
            return;
        }

        if (valid < lanes)
        {
            FewToPlanes(source, size, planes, planeStride, valid);
            return;
        }

        var last = size - lanes;
        for (var element = 0; element <= last; element += lanes)
        {
            TLanes.Transpose(source + ((nint)element * lanes), lanes, planes + element, planeStride);
        }

        if (size % lanes != 0) TLanes.Transpose(source + ((nint)last * lanes), lanes, planes + last, planeStride);
    }

    // Fewer planes than lanes, whole vectors of pixels; the last ones overlap here too.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FewToBlocked(float* planes, nint planeStride, int valid, int size, float* destination)
    {
        var lanes = TLanes.Count;
        var block = stackalloc float[MaxLanes * MaxLanes];
        KernelMemory.EnterOwn(block, MaxLanes * MaxLanes);
        new Span<float>(block, MaxLanes * MaxLanes).Clear();
        for (var (element, last) = (0, size - lanes); ; element = Math.Min(element + lanes, last))
        {
            for (var lane = 0; lane < valid; lane++)
            {
                TLanes.Store(block + (lane * lanes), TLanes.Load(planes + (lane * planeStride) + element));
            }

            TLanes.Transpose(block, lanes, destination + ((nint)element * lanes), lanes);
            if (element == last) break;
        }

        KernelMemory.LeaveOwn();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FewToPlanes(float* source, int size, float* planes, nint planeStride, int valid)
    {
        var lanes = TLanes.Count;
        var block = stackalloc float[MaxLanes * MaxLanes];
        KernelMemory.EnterOwn(block, MaxLanes * MaxLanes);
        for (var (element, last) = (0, size - lanes); ; element = Math.Min(element + lanes, last))
        {
            TLanes.Transpose(source + ((nint)element * lanes), lanes, block, lanes);
            for (var lane = 0; lane < valid; lane++)
            {
                TLanes.Store(planes + (lane * planeStride) + element, TLanes.Load(block + (lane * lanes)));
            }

            if (element == last) break;
        }

        KernelMemory.LeaveOwn();
    }

    private static void ToBlockedPartly(float* planes, nint planeStride, int valid, int size, float* destination)
    {
        var lanes = TLanes.Count;
        var block = stackalloc float[2 * MaxLanes * MaxLanes];
        var transposed = block + (MaxLanes * MaxLanes);
        KernelMemory.EnterOwn(block, 2 * MaxLanes * MaxLanes);
        new Span<float>(block, MaxLanes * MaxLanes).Clear();
        for (var element = 0; element < size; element += lanes)
        {
            var count = Math.Min(lanes, size - element);
            for (var lane = 0; lane < valid; lane++)
            {
                KernelMemory.AssertInside(planes + (lane * planeStride) + element, count);
                new ReadOnlySpan<float>(planes + (lane * planeStride) + element, count).CopyTo(
                    new Span<float>(block + (lane * lanes), count));
            }

            TLanes.Transpose(block, lanes, transposed, lanes);
            KernelMemory.AssertInside(destination + ((nint)element * lanes), count * lanes);
            new ReadOnlySpan<float>(transposed, count * lanes).CopyTo(
                new Span<float>(destination + ((nint)element * lanes), count * lanes));
        }

        KernelMemory.LeaveOwn();
    }

    private static void ToPlanesPartly(float* source, int size, float* planes, nint planeStride, int valid)
    {
        var lanes = TLanes.Count;
        var block = stackalloc float[2 * MaxLanes * MaxLanes];
        var transposed = block + (MaxLanes * MaxLanes);
        KernelMemory.EnterOwn(block, 2 * MaxLanes * MaxLanes);
        new Span<float>(block, MaxLanes * MaxLanes).Clear();
        for (var element = 0; element < size; element += lanes)
        {
            var count = Math.Min(lanes, size - element);
            KernelMemory.AssertInside(source + ((nint)element * lanes), count * lanes);
            new ReadOnlySpan<float>(source + ((nint)element * lanes), count * lanes).CopyTo(new Span<float>(block, count * lanes));
            TLanes.Transpose(block, lanes, transposed, lanes);
            for (var lane = 0; lane < valid; lane++)
            {
                KernelMemory.AssertInside(planes + (lane * planeStride) + element, count);
                new ReadOnlySpan<float>(transposed + (lane * lanes), count).CopyTo(
                    new Span<float>(planes + (lane * planeStride) + element, count));
            }
        }

        KernelMemory.LeaveOwn();
    }
}
