using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Inference;

/// <summary>Networks as training leaves them, every weight and statistic its own, drawn from seeds.</summary>
internal static class RandomNetworks
{
    /// <summary>
    /// A float64 network in evaluation mode. Its weights are float32 numbers, so that what is compared is arithmetic, not their rounding.
    /// </summary>
    public static MobileNet Create(NetworkSpec spec, int seed)
    {
        random.manual_seed(seed);
        var network = new MobileNet(spec, dtype: float64);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var part in network.modules())
        {
            switch (part)
            {
                case BatchNorm norm:
                    nn.init.uniform_(norm.weight, 0.5, 1.5);
                    nn.init.normal_(norm.bias, 0, 0.3);
                    norm.running_mean!.copy_(randn_like(norm.running_mean) * 0.3);
                    norm.running_var!.copy_(rand_like(norm.running_var) + 0.5);
                    break;
                case Linear linear:
                    nn.init.normal_(linear.weight, 0, 1 / Math.Sqrt(linear.in_features));
                    nn.init.normal_(linear.bias!, 0, 0.1);
                    break;
            }
        }

        foreach (var tensor in network.state_dict().Values.Where(tensor => tensor.is_floating_point())) tensor.copy_(tensor.to(float32));
        network.eval();
        return network;
    }

    /// <summary>Leaves batch norm its shift alone: scale 1, mean 0, and the variance that gives √(σ² + ε) = 1.</summary>
    public static void Neutralise(MobileNet network)
    {
        foreach (var norm in network.modules().OfType<BatchNorm>())
        {
            norm.weight!.fill_(1);
            norm.running_mean!.zero_();
            norm.running_var!.fill_(1 - 1e-5);
        }
    }

    /// <summary>A spec with anything in it that a spec may have, and a size of image.</summary>
    public static (NetworkSpec Spec, int Height, int Width) Spec(int seed)
    {
        var random = new Random(seed);
        var stem = Between(1, 40);
        var rows = new List<BlockSpec>();
        var count = Between(1, 6);
        while (rows.Count < count) rows.Add(Row(rows.Count == 0 ? stem : rows[^1].Out));
        var spec = new NetworkSpec
        {
            Name = $"random-{seed}",
            InputChannels = Between(1, 5),
            NumClasses = Between(0, 4) == 0 ? 0 : Between(1, 70),
            StemChannels = stem,
            StemStride = Between(1, 2),
            Blocks = [.. rows],
            LastChannels = Between(1, 80),
            HiddenFeatures = Between(0, 4) == 0 ? 0 : Between(1, 80),
            HiddenNorm = Between(0, 1) == 0,
            PaddingPlacement = Pick<PaddingPlacement>(),
            PaddingStrategy = Pick<PaddingStrategy>(),
            Activation = Pick<Activation>(),
            NormEpsilon = Between(0, 1) == 0 ? 1e-5 : 1e-3,
        };
        return (spec, Between(1, 45), Between(1, 45));

        BlockSpec Row(int channels)
        {
            var kind = Pick<BlockKind>();
            var squeeze = kind == BlockKind.Dw ? Pick<SqueezeExcite>() : (SqueezeExcite)Between(0, 1);
            var outputs = Between(0, 2) == 0 ? channels : Between(1, 50);
            if (squeeze == SqueezeExcite.Output) outputs = Math.Max(4, outputs);
            var expand = Between(squeeze == SqueezeExcite.Expanded ? 4 : 1, 75);
            if ((kind is BlockKind.InvertedResidual or BlockKind.XSepInvertedResidual) && squeeze == SqueezeExcite.None && Between(0, 2) == 0) expand = channels;
            return new(kind, (2 * (Between(0, 3) == 0 ? Between(6, 31) : Between(0, 5))) + 1, channels, expand, outputs, Pick<Activation>(), squeeze, Between(1, 2))
            {
                SqueezeChannels = squeeze != SqueezeExcite.None && Between(0, 1) == 0 ? Between(1, 30) : null,
            };
        }

        int Between(int least, int most) => random.Next(least, most + 1);

        T Pick<T>()
            where T : struct, Enum => Enum.GetValues<T>()[random.Next(Enum.GetValues<T>().Length)];
    }
}
