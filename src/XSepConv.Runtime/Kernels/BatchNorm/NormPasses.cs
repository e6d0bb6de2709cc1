using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Batch normalisation and nonlinearity applied to one group of planes, forward and backward.</summary>
internal static unsafe class NormPasses<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>
    /// Normalises and activates, height × width vectors; in place, or into rows <paramref name="destinationRow"/> floats apart.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void NormaliseAndActivate<TActivation>(float* source, in NormLanes norm, int height, int width, float* destination,
        nint destinationRow)
        where TActivation : struct, IActivation
    {
        var lanes = TLanes.Count;
        var scale = TLanes.Load(norm.Scale);
        var shift = TLanes.Load(norm.Shift);
        var end = (nint)width * lanes;
        for (var row = 0; row < height; row++)
        {
            for (nint i = 0; i < end; i += lanes)
            {
                var z = TLanes.MultiplyAdd(TLanes.Load(source + i), scale, shift);
                TLanes.Store(destination + i, TActivation.Apply<TLanes, TVector>(z));
            }

            source += end;
            destination += destinationRow;
        }
    }

    /// <summary>Normalises and activates, in place, and reorders to planes on the way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToPlanes<TActivation>(float* source, in NormLanes norm, int size, float* planes, nint planeStride, int valid)
        where TActivation : struct, IActivation
    {
        var lanes = TLanes.Count;
        if (valid < lanes || size < lanes)
        {
            NormaliseAndActivate<TActivation>(source, norm, 1, size, source, 0);
            Reorder<TLanes, TVector>.ToPlanes(source, size, planes, planeStride, valid);
            return;
        }

        var last = size - lanes;
        for (var element = 0; element < size; element += lanes)
        {
            var block = source + ((nint)element * lanes);
            NormaliseAndActivate<TActivation>(block, norm, 1, Math.Min(lanes, size - element), block, 0);
            // The rest overlaps what is done: the same values are written twice.
            var start = Math.Min(element, last);
            TLanes.Transpose(source + ((nint)start * lanes), lanes, planes + start, planeStride);
        }
    }

    /// <summary>
    /// The gradient before a batch normalisation, height × width vectors; in place, or into rows <paramref name="destinationRow"/> floats
    /// apart.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void NormBackward(
        float* gradient, float* values, in NormLanes norm, int height, int width, float* destination, nint destinationRow)
    {
        var lanes = TLanes.Count;
        var direct = TLanes.Load(norm.Direct);
        var slope = TLanes.Load(norm.Slope);
        var offset = TLanes.Load(norm.Offset);
        for (var row = 0; row < height; row++)
        {
            var target = destination + (row * destinationRow);
            for (var column = 0; column < width; column++)
            {
                var d = TLanes.MultiplyAdd(TLanes.Load(values), slope, TLanes.MultiplyAdd(TLanes.Load(gradient), direct, offset));
                TLanes.Store(target, d);
                values += lanes;
                gradient += lanes;
                target += lanes;
            }
        }
    }
}
