using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>What is done with one block of channels of a map, [pixel][lane], vector by vector.</summary>
internal static unsafe class PlaneKernels<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>Adds the pixels to <paramref name="sums"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddTo(float* sums, float* plane, int pixels)
    {
        var lanes = TLanes.Count;
        var s0 = TLanes.Splat(0);
        var s1 = s0;
        var s2 = s0;
        var s3 = s0;
        var end = plane + ((nint)pixels * lanes);
        for (; plane + (3 * lanes) < end; plane += 4 * lanes)
        {
            s0 = TLanes.Add(s0, TLanes.Load(plane));
            s1 = TLanes.Add(s1, TLanes.Load(plane + lanes));
            s2 = TLanes.Add(s2, TLanes.Load(plane + (2 * lanes)));
            s3 = TLanes.Add(s3, TLanes.Load(plane + (3 * lanes)));
        }

        for (; plane < end; plane += lanes) s0 = TLanes.Add(s0, TLanes.Load(plane));
        TLanes.Store(sums, TLanes.Add(TLanes.Load(sums), TLanes.Add(TLanes.Add(s0, s1), TLanes.Add(s2, s3))));
    }

    /// <summary>Multiplies one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scale(float* vector, float factor) => TLanes.Store(vector, TLanes.Multiply(TLanes.Load(vector), TLanes.Splat(factor)));

    /// <summary>plane ← act(plane · gate), or plane · gate + residual where that is not null and there is no activation.</summary>
    public static void Gate(float* plane, float* gate, float* residual, int pixels, TileActivation activation)
    {
        if (activation == TileActivation.None && residual != null) GateAndAdd(plane, gate, residual, pixels);
        else ActivationTypes.Run(activation, new GateCall(plane, gate, pixels));
    }

    /// <summary>Zeros in some columns of some rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Clear(float* first, int columns, int rows, nint row)
    {
        var zero = TLanes.Splat(0);
        for (; rows > 0; rows--)
        {
            for (var column = 0; column < columns; column++) TLanes.Store(first + ((nint)column * TLanes.Count), zero);
            first += row;
        }
    }

    /// <summary>Copies some hundred floats, for which a call of the library's costs more than the copy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(float* source, float* destination, int count)
    {
        var lanes = TLanes.Count;
        var i = 0;
        for (; i <= count - lanes; i += lanes) TLanes.Store(destination + i, TLanes.Load(source + i));
        for (; i < count; i++) destination[i] = source[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GateAndAdd(float* plane, float* gate, float* residual, int pixels)
    {
        var lanes = TLanes.Count;
        var g = TLanes.Load(gate);
        var end = plane + ((nint)pixels * lanes);
        for (; plane < end; plane += lanes)
        {
            TLanes.Store(plane, TLanes.MultiplyAdd(TLanes.Load(plane), g, TLanes.Load(residual)));
            residual += lanes;
        }
    }

    private readonly struct GateCall(float* plane, float* gate, int pixels) : IActivationCall
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            var lanes = TLanes.Count;
            var g = TLanes.Load(gate);
            var end = plane + ((nint)pixels * lanes);
            for (var y = plane; y < end; y += lanes) TLanes.Store(y, TActivation.Apply<TLanes, TVector>(TLanes.Multiply(TLanes.Load(y), g)));
        }
    }
}
