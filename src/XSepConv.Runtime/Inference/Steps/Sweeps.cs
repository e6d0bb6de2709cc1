using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>Picks the sweep that was compiled for an activation.</summary>
internal static unsafe class Sweeps<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public static bool Has(int kernel) => SeparatedSweeps<TLanes, TVector, ReluActivation>.Has(kernel);

    public static void Across(int kernel, TileActivation activation, AcrossSweep* sweep)
    {
        if (activation == TileActivation.ReLU) SeparatedSweeps<TLanes, TVector, ReluActivation>.Across(kernel, sweep);
        else SeparatedSweeps<TLanes, TVector, HSwishActivation>.Across(kernel, sweep);
    }

    public static void Down(int kernel, TileActivation activation, DownSweep* sweep)
    {
        if (activation == TileActivation.None) SeparatedSweeps<TLanes, TVector, IdentityActivation>.Down(kernel, sweep);
        else if (activation == TileActivation.ReLU) SeparatedSweeps<TLanes, TVector, ReluActivation>.Down(kernel, sweep);
        else SeparatedSweeps<TLanes, TVector, HSwishActivation>.Down(kernel, sweep);
    }
}
