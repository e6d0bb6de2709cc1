using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>A 1×1 convolution's weights [outputs, inputs], as its tiles take them, and their gradient back.</summary>
internal static unsafe class PointwiseWeights<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>For outputs of inputs: [block of outputs][input][lane].</summary>
    public static void Pack(float* weights, int inputs, int outputs, float* packed)
    {
        var lanes = TLanes.Count;
        for (var o = 0; o < outputs; o += lanes)
        {
            Reorder<TLanes, TVector>.ToBlocked(
                weights + ((nint)o * inputs), inputs, Math.Min(lanes, outputs - o), inputs, packed + ((nint)o * inputs));
        }
    }

    /// <summary>For the inputs' gradients of the outputs': [block of inputs][output][lane].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackTransposed(float* weights, int inputs, int outputs, float* packed)
    {
        var lanes = TLanes.Count;
        KernelMemory.AssertInside(weights, (long)inputs * outputs);
        for (var i = 0; i < inputs; i += lanes)
        {
            var valid = Math.Min(lanes, inputs - i);
            for (var o = 0; o < outputs; o++)
            {
                var source = weights + ((nint)o * inputs) + i;
                if (valid == lanes)
                {
                    TLanes.Store(packed, TLanes.Load(source));
                }
                else
                {
                    TLanes.Store(packed, TLanes.Splat(0));
                    for (var lane = 0; lane < valid; lane++) packed[lane] = source[lane];
                }

                packed += lanes;
            }
        }
    }

    /// <summary>
    /// The weights' gradient from [block of the wider side][channel of the other][lane]: the same as the packed weights' layouts.
    /// </summary>
    /// <param name="block">Which block of the wider side.</param>
    /// <param name="narrow">Channels of the other side that its block has room for.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(float* sums, int block, int inputs, int outputs, int narrow, float* gradient)
    {
        var lanes = TLanes.Count;
        var first = block * lanes;
        var source = sums + ((nint)block * narrow * lanes);
        if (inputs <= outputs)
        {
            Reorder<TLanes, TVector>.ToPlanes(
                source, inputs, gradient + ((nint)first * inputs), inputs, Math.Min(lanes, outputs - first));
            return;
        }

        var valid = Math.Min(lanes, inputs - first);
        KernelMemory.AssertInside(gradient, (long)inputs * outputs);
        for (var o = 0; o < outputs; o++)
        {
            var target = gradient + ((nint)o * inputs) + first;
            if (valid == lanes) TLanes.Store(target, TLanes.Load(source));
            else new ReadOnlySpan<float>(source, valid).CopyTo(new Span<float>(target, valid));
            source += lanes;
        }
    }
}
