namespace XSepConv.Cli.Profiling;

/// <summary>What one thread of this machine can do, and so the least that a network can take.</summary>
/// <param name="GigaMacs">10⁹ multiply-accumulates a second in registers.</param>
/// <param name="Weights">10⁹ bytes a second of reading as many bytes as the network's weights.</param>
/// <param name="SecondLevel">10⁹ bytes a second, read and written, of copying in the second-level cache.</param>
/// <param name="Memory">10⁹ bytes a second of copying in memory.</param>
internal sealed record MachineRates(double GigaMacs, double Weights, double SecondLevel, double Memory)
{
    /// <summary>Bytes of a block that is outside all caches.</summary>
    public const long InMemory = 128 << 20;

    private const long InSecondLevel = 256 << 10;

    public static MachineRates Measure(CompiledModel model) => new(
        Roofline.MacsPerSecond(), Roofline.ReadBytesPerSecond(
            model.WeightBytes), Roofline.CopyBytesPerSecond(InSecondLevel), Roofline.CopyBytesPerSecond(InMemory));

    /// <summary>Milliseconds of so many multiply-accumulates, were there nothing else.</summary>
    public double MacsMs(long macs) => macs / GigaMacs / 1e6;

    /// <summary>Milliseconds of reading the weights once, as a run of whatever batch must.</summary>
    public double WeightsMs(CompiledModel model) => model.WeightBytes / Weights / 1e6;
}
