namespace XSepConv.Benchmarks.Ratios;

/// <summary>How a run measures.</summary>
/// <param name="Threads">Threads that every contestant may use.</param>
/// <param name="Seconds">About how long each contestant of a case is measured.</param>
/// <param name="Kernels">K of the stages on large maps; empty for the stages of the networks.</param>
/// <param name="Maps">The large maps.</param>
/// <param name="OnCuda">Whether the stages run on the CUDA device, where the contestants are libtorch's.</param>
internal sealed record RatioSettings(
    int Threads, double Seconds, IReadOnlyList<int> Kernels, IReadOnlyList<StageMap> Maps, bool OnCuda)
{
    /// <summary>Of the stages on large maps: 1 or 2.</summary>
    public int Stride { get; init; } = 1;

    /// <summary>What the report calls libtorch; null for its version.</summary>
    public string? Libtorch { get; init; }
}
