using System.Diagnostics;
using System.Runtime.InteropServices;
using XSepConv.Inference;
using XSepConv.Kernels;

namespace XSepConv.Cli.Profiling;

/// <summary>A network that nobody trained, for measuring one: its values stay in the range of trained ones.</summary>
internal static class RandomWeights
{
    /// <exception cref="InvalidDataException">The network can't be compiled.</exception>
    public static CompiledModel Compile(NetworkSpec spec)
    {
        var random = new Random(1);
        var weights = new MemoryWeights(
            spec.Name, ExpectedTensors.Of(spec).Select(tensor => Draw(tensor.Key, tensor.Shape, random)), settings: null);
        return CompiledModel.Compile(spec, null, weights, KernelRegistry.Current.Name, Stopwatch.StartNew());
    }

    private static SafeTensor Draw(string key, long[] shape, Random random)
    {
        if (shape.Length == 0) return new(key, SafeTensorType.I64, [], new byte[sizeof(long)]);
        var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        if (shape.Length > 1)
        {
            // Uniform with variance 2 / inputs: a map's values keep their size from layer to layer.
            var reach = MathF.Sqrt(6f * shape[0] / values.Length);
            foreach (ref var value in values.AsSpan()) value = ((2 * random.NextSingle()) - 1) * reach;
        }
        else if (key.EndsWith("running_var", StringComparison.Ordinal) || key.EndsWith(".weight", StringComparison.Ordinal))
        {
            Array.Fill(values, 1);
        }

        return new(key, SafeTensorType.F32, [.. shape], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    }
}
