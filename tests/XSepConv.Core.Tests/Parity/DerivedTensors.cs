using System.Text;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Parity;

/// <summary>Weights and inputs derived from their names, to the bit as <c>Fixtures/generate.py</c> derives them.</summary>
internal static class DerivedTensors
{
    /// <summary>SplitMix64 seeded with the name's FNV-1a hash, as fractions between <paramref name="lo"/> and <paramref name="hi"/>, each exact in float32.</summary>
    public static Tensor Derive(string name, ReadOnlySpan<long> shape, double lo, double hi)
    {
        var seed = 0xCBF29CE484222325;
        foreach (var value in Encoding.UTF8.GetBytes(name)) seed = (seed ^ value) * 0x100000001B3;
        long count = 1;
        foreach (var size in shape) count *= size;
        var values = new double[count];
        for (var i = 0; i < values.Length; i++)
        {
            var z = seed + ((ulong)(i + 1) * 0x9E3779B97F4A7C15);
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            var fraction = ((z ^ (z >> 31)) >> 11) * (1.0 / (1L << 53));
            values[i] = (float)(lo + ((hi - lo) * fraction));
        }

        return tensor(values, shape, float64);
    }

    /// <summary>Gives every parameter and buffer the tensor of its name; batch norms become uneven ones.</summary>
    public static void Fill(nn.Module module, string prefix)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var norms = module.named_modules().Where(entry => entry.module is BatchNorm1d or BatchNorm2d).Select(entry => entry.name).ToHashSet();
        foreach (var (key, value) in module.state_dict())
        {
            var dot = key.LastIndexOf('.');
            var (owner, kind) = (key[..dot], key[(dot + 1)..]);
            if (kind == "num_batches_tracked")
            {
                value.fill_(3);
                continue;
            }

            var (lo, hi) = kind switch
            {
                "running_var" => (0.5, 1.5),
                "weight" when norms.Contains(owner) => (0.5, 1.5),
                "weight" => Uniform(value),
                _ => (-0.5, 0.5),
            };
            value.copy_(Derive($"{prefix}/{key}", value.shape, lo, hi));
        }
    }

    // Variance 1 / fan-in.
    private static (double Lo, double Hi) Uniform(Tensor weight)
    {
        var bound = Math.Sqrt(3.0 / (weight.numel() / weight.shape[0]));
        return (-bound, bound);
    }
}
