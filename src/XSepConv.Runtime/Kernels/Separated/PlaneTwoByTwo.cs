using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>The 2×2 depthwise convolution of one plane, neighbouring pixels of a row in the lanes.</summary>
internal static unsafe class PlaneTwoByTwo<TLanes, TVector, TActivation>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TActivation : struct, IActivation
{
    /// <summary>Fills <see cref="PlaneSweep.Middle"/> but for its zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(PlaneSweep* sweep)
    {
        var lanes = TLanes.Count;
        var far = sweep->Far;
        var scale = sweep->TwoByTwoScale;
        var (near, other) = far > 0 ? (0, 1) : (1, 0);
        var w0 = TLanes.Splat(sweep->TwoByTwo[near] * scale);
        var w1 = TLanes.Splat(sweep->TwoByTwo[other] * scale);
        var w2 = TLanes.Splat(sweep->TwoByTwo[2 + near] * scale);
        var w3 = TLanes.Splat(sweep->TwoByTwo[2 + other] * scale);
        var bias = TLanes.Splat(sweep->TwoByTwoBias);
        for (nint column = 0; column < sweep->Width; column += lanes)
        {
            var farMask = TLanes.Load(sweep->FarMask + column);
            var rowMask = TLanes.Load(sweep->RowMask + column);
            var input = sweep->Input + column;
            var middle = sweep->Middle + sweep->Border + column;
            var a = TLanes.Splat(0);
            var b = a;
            if (!sweep->ZerosAbove)
            {
                a = TLanes.Load(input);
                b = TLanes.And(farMask, TLanes.Load(input + far));
                input += sweep->InputWidth;
            }

            var rows = sweep->ZerosBelow ? sweep->Height - 1 : sweep->Height;
            for (var row = 0; row < rows; row++)
            {
                var y = TLanes.MultiplyAdd(w1, b, TLanes.MultiplyAdd(w0, a, bias));
                a = TLanes.Load(input);
                b = TLanes.And(farMask, TLanes.Load(input + far));
                y = TLanes.MultiplyAdd(w3, b, TLanes.MultiplyAdd(w2, a, y));
                TLanes.Store(middle, TLanes.And(rowMask, Scaled<TActivation>.Apply<TLanes, TVector>(y)));
                input += sweep->InputWidth;
                middle += sweep->MiddleRow;
            }

            if (sweep->ZerosBelow)
            {
                var y = TLanes.MultiplyAdd(w1, b, TLanes.MultiplyAdd(w0, a, bias));
                TLanes.Store(middle, TLanes.And(rowMask, Scaled<TActivation>.Apply<TLanes, TVector>(y)));
            }
        }
    }
}
