using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>The gradients of a whole network beside float64's, and beside torch's own float32.</summary>
public sealed class NetworkGradientTests
{
    /// <summary>
    /// Of each seed the median over the parameters of the gradient's relative distance to float64. A value near a kink moves it thirtyfold, fused or composed, and which seeds
    /// have one depends on the processor: so the median over the seeds of the quotient is held, in which the fused network may not be farther by more than half. Without fused
    /// multiply-adds each product is rounded too, which libtorch's own kernels do not do: twice the roundings are √2 times the distance.
    /// </summary>
    [Theory]
    [InlineData(BlockKind.XSep)]
    [InlineData(BlockKind.Sep)]
    [InlineData(BlockKind.InvertedResidual)]
    public void A_fused_network_s_gradients_are_as_near_to_float64_as_the_composed_ones(BlockKind kind)
    {
        using var thread = new OneThread();
        var quotients = new List<double>();
        for (var seed = 0; seed < 5; seed++)
        {
            using var scope = NewDisposeScope();
            random.manual_seed(seed);
            var spec = MobileNetV3SmallSpec.XSep(new MobileNetV3Options { Preset = ImagePreset.Cifar, NumClasses = 10, Width = 0.5 });
            spec = spec with { Blocks = [.. spec.Blocks.Select(Row)] };
            var (images, labels) = (randn(24, 3, 32, 32), randint(0, 10, [24], ScalarType.Int64));
            using var exact = new MobileNet(spec, dtype: ScalarType.Float64);
            var expected = Gradients(exact, images.to(ScalarType.Float64), labels, XSepBackend.Composed);
            var (one, other) = (Distance(XSepBackend.Auto), Distance(XSepBackend.Composed));
            TestContext.Current.SendDiagnosticMessage($"seed {seed}: fused {one:E2}, composed {other:E2}");
            quotients.Add(one / other);

            double Distance(XSepBackend backend)
            {
                using var network = new MobileNet(spec);
                StagePair.Copy(exact, network);
                var distances = Gradients(network, images, labels, backend).Zip(expected, (actual, reference) => (actual.to(ScalarType.Float64) - reference).norm().item<double>() / reference.norm().item<double>()).Order().ToList();
                return distances[distances.Count / 2];
            }
        }

        // Depthwise rows are Howard's in the last network, and stay in the second, which lacks the 2×2 only.
        BlockSpec Row(BlockSpec row) => kind switch
        {
            BlockKind.InvertedResidual => row with { Kind = kind, SqueezeExcite = row.SqueezeExcite == SqueezeExcite.None ? SqueezeExcite.None : SqueezeExcite.Expanded },
            _ => row.Kind == BlockKind.XSep ? row with { Kind = kind } : row,
        };

        var farthest = Fma.IsSupported || AdvSimd.IsSupported ? 1.5 : 1.5 * Math.Sqrt(2);
        Assert.InRange(quotients.Order().ElementAt(quotients.Count / 2), 0, farthest);
    }

    // The first forward of all three is from the same running statistics, which training does not read.
    private static List<Tensor> Gradients(MobileNet network, Tensor images, Tensor labels, XSepBackend backend)
    {
        network.SetXSepBackend(backend);
        network.train();
        nn.functional.cross_entropy(network.call(images), labels).backward();
        return [.. network.parameters().Select(parameter => parameter.grad!)];
    }
}
