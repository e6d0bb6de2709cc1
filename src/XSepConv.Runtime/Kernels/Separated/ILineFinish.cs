using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>What each result of a line begins with, and what is done with it.</summary>
internal unsafe interface ILineFinish<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <param name="output">Where results go.</param>
    /// <param name="place">This one's place there, in floats.</param>
    static abstract TVector Start(LineOutput* output, nint place);

    /// <param name="output">Where results go.</param>
    /// <param name="place">This one's place there, in floats.</param>
    /// <param name="line">Its place in a line without gaps.</param>
    /// <param name="result">The result.</param>
    /// <param name="total">A sum.</param>
    /// <param name="product">Another.</param>
    static abstract void End(LineOutput* output, nint place, nint line, TVector result, ref TVector total, ref TVector product);
}

/// <summary>Training: the result as it is, and its sum.</summary>
internal readonly unsafe struct MeasuredLine<TLanes, TVector> : ILineFinish<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Start(LineOutput* output, nint place) => TLanes.Splat(0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void End(LineOutput* output, nint place, nint line, TVector result, ref TVector total, ref TVector product)
    {
        TLanes.Store(output->Destination + place, result);
        total = TLanes.Add(total, result);
    }
}

/// <summary>Inference: shifted, then activated.</summary>
internal readonly unsafe struct ActivatedLine<TLanes, TVector, TActivation> : ILineFinish<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Start(LineOutput* output, nint place) => TLanes.Load(output->Bias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void End(LineOutput* output, nint place, nint line, TVector result, ref TVector total, ref TVector product) =>
        TLanes.Store(output->Destination + place, TActivation.Apply<TLanes, TVector>(result));
}

/// <summary>
/// Backward: from the gradient of the line's input to that before the nonlinearity, its two sums, and what the nonlinearity gave.
/// </summary>
internal readonly unsafe struct GradientLine<TLanes, TVector, TActivation> : ILineFinish<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Start(LineOutput* output, nint place) => TLanes.Splat(0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void End(LineOutput* output, nint place, nint line, TVector result, ref TVector total, ref TVector product)
    {
        var x = TLanes.Load(output->Given + place);
        var z = TLanes.MultiplyAdd(x, TLanes.Load(output->Scale), TLanes.Load(output->Shift));
        var d = TActivation.Backward<TLanes, TVector>(z, result, out var value);
        TLanes.Store(output->Destination + place, d);
        TLanes.Store(output->Value + line, value);
        total = TLanes.Add(total, d);
        product = TLanes.MultiplyAdd(d, TLanes.Subtract(x, TLanes.Load(output->Mean)), product);
    }
}

/// <summary>Weights' gradients: added to what is there, a line's at once (see VectorSums).</summary>
internal readonly unsafe struct AddedLine<TLanes, TVector> : ILineFinish<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Start(LineOutput* output, nint place) => TLanes.Splat(0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void End(LineOutput* output, nint place, nint line, TVector result, ref TVector total, ref TVector product) =>
        VectorSums<TLanes, TVector>.Add(output->Destination + place, result);
}
