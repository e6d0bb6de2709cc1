using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Brings planes into the layout [row][column][lane] with room for zeros at either end of each row, which stay as they are.</summary>
internal static unsafe class BorderedPlanes<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <param name="destination">The first row's first element after its border.</param>
    /// <param name="dense">Room for the planes, used where rows are shorter than a vector.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Load(float* planes, in PlaneSpan span, int height, int width, in VectorMap destination, float* dense)
    {
        var lanes = TLanes.Count;
        var target = destination.First;
        if (span.Valid < lanes || width < lanes)
        {
            PlaneBlocks<TLanes, TVector>.Load(planes + span.Offset, span.Stride, span.Valid, height * width, dense);
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
}
