using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>Squeeze-excite's last step, on one block of channels of a map, [pixel][lane].</summary>
internal static unsafe class GateKernel<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>map ← act(map · gate), or map · gate + residual where that is not null and there is no activation.</summary>
    public static void Run(float* map, float* gate, float* residual, int pixels, TileActivation activation)
    {
        if (activation == TileActivation.None && residual != null) GateAndAdd(map, gate, residual, pixels);
        else ActivationTypes.Run(activation, new GateCall(map, gate, pixels));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GateAndAdd(float* map, float* gate, float* residual, int pixels)
    {
        var lanes = TLanes.Count;
        var g = TLanes.Load(gate);
        var end = map + ((nint)pixels * lanes);
        for (; map < end; map += lanes)
        {
            TLanes.Store(map, TLanes.MultiplyAdd(TLanes.Load(map), g, TLanes.Load(residual)));
            residual += lanes;
        }
    }

    private readonly struct GateCall(float* map, float* gate, int pixels) : IActivationCall
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            var lanes = TLanes.Count;
            var g = TLanes.Load(gate);
            var end = map + ((nint)pixels * lanes);
            for (var y = map; y < end; y += lanes) TLanes.Store(y, TActivation.Apply<TLanes, TVector>(TLanes.Multiply(TLanes.Load(y), g)));
        }
    }
}
