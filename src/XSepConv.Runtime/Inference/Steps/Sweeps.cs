using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>Picks the sweep that was compiled for an activation.</summary>
internal static unsafe class Sweeps<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public static bool Has(int kernel) => SeparatedSweeps<TLanes, TVector, ReluActivation>.Has(kernel);

    public static void Across(int kernel, TileActivation activation, AcrossSweep* sweep) =>
        ActivationTypes.Run(activation, new AcrossCall(kernel, sweep));

    public static void Down(int kernel, TileActivation activation, DownSweep* sweep) =>
        ActivationTypes.Run(activation, new DownCall(kernel, sweep));

    private readonly struct AcrossCall(int kernel, AcrossSweep* sweep) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation => SeparatedSweeps<TLanes, TVector, TActivation>.Across(kernel, sweep);
    }

    private readonly struct DownCall(int kernel, DownSweep* sweep) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation => SeparatedSweeps<TLanes, TVector, TActivation>.Down(kernel, sweep);
    }
}
