using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>A network compiled from files of narrow weights.</summary>
internal static class NarrowContestants
{
    public const string BFloat16 = "bf16", Int8 = "int8";

    /// <summary>Each held to the float64 of its rounded weights: rounding itself moves logits by more than the arithmetic may.</summary>
    public static IEnumerable<Contestant> Of(MobileNet network, Tensor x, int threads) =>
        [.. Of(BFloat16, SafeTensorType.BF16, network, x, threads), .. Of(Int8, SafeTensorType.I8, network, x, threads)];

    private static List<Contestant> Of(string name, SafeTensorType type, MobileNet network, Tensor x, int threads)
    {
        var path = Path.GetTempFileName();
        try
        {
            network.SaveSafeTensors(path, new SafeTensorsSaveOptions { Dtype = type });
            using var rounded = MobileNet.FromSafeTensors(path);
            rounded.eval();
            return CompiledWorks.Correct(rounded, x, [CompiledWorks.Compiled(name, CompiledModel.Load(path), x, threads)]);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
