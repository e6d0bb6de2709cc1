using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>A compiled network from a file with weights in BF16.</summary>
internal static class BFloat16Contestant
{
    public const string Name = "bf16";

    /// <summary>Held to the float64 of the rounded weights: rounding itself moves logits by more than the arithmetic may.</summary>
    public static IReadOnlyList<Contestant> Of(MobileNet network, Tensor x, int threads)
    {
        var path = Path.GetTempFileName();
        try
        {
            network.SaveSafeTensors(path, new SafeTensorsSaveOptions { Dtype = SafeTensorType.BF16 });
            using var rounded = MobileNet.FromSafeTensors(path);
            rounded.eval();
            return CompiledWorks.Correct(rounded, x, [CompiledWorks.Compiled(Name, CompiledModel.Load(path), x, threads)]);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
