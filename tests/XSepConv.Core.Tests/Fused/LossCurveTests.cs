using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>Whole training runs: the network, its loss and SGD, fused, composed and composed in float64.</summary>
public sealed class LossCurveTests
{
    private const int Steps = 3, Batch = 32;

    /// <summary>
    /// Squeeze-excite normalises a few pooled values by batch, which multiplies rounding by a hundred or so in each step: after three, float32 runs are 1e-4
    /// from float64, after eight they have nothing in common with it, torch's own included. So the measure is how far torch's own operators stray
    /// in the same three steps; two runs that are both right differ by a small factor of that.
    /// </summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    public void FusedTrainingFollowsTheLossCurveOfFloat64AsTorchsOwnFloat32Does(int seed, int threads)
    {
        var before = get_num_threads();
        set_num_threads(threads);
        try
        {
            var exact = Losses(seed, ScalarType.Float64, XSepBackend.Composed);
            var composed = Distance(exact, Losses(seed, ScalarType.Float32, XSepBackend.Composed));
            var fused = Distance(exact, Losses(seed, ScalarType.Float32, XSepBackend.Auto));

            Assert.True(fused <= 10 * composed, $"Fused is {fused} from float64, torch's own float32 is {composed}.");
        }
        finally
        {
            set_num_threads(before);
        }
    }

    private static double Distance(double[] exact, double[] losses) => exact.Zip(losses, (e, l) => Math.Abs(e - l)).Max();

    private static double[] Losses(int seed, ScalarType dtype, XSepBackend backend)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(seed);
        var spec = MobileNetV3SmallSpec.XSep(new MobileNetV3SmallOptions { Preset = ImagePreset.Cifar, NumClasses = 10, Width = 0.5 });
        using var start = new MobileNetV3(spec);
        using var network = new MobileNetV3(spec, dtype: dtype);
        network.SetXSepBackend(backend);
        using (no_grad())
        {
            var weights = start.state_dict();
            foreach (var (key, tensor) in network.state_dict()) tensor.copy_(weights[key]);
        }

        // Ten patterns, with noise: something to learn in a few steps. Making the networks drew different numbers for different types.
        random.manual_seed(seed + 1000);
        var patterns = randn(10, 3, 32, 32);
        using var optimizer = optim.SGD(network.parameters(), learningRate: 0.02, momentum: 0.9);
        var losses = new double[Steps];
        for (var step = 0; step < Steps; step++)
        {
            using var stepScope = NewDisposeScope();
            var labels = randint(0, 10, [Batch], ScalarType.Int64);
            var images = patterns[labels] + (0.5 * randn(Batch, 3, 32, 32));
            optimizer.zero_grad();
            var loss = nn.functional.cross_entropy(network.call(images.to_type(dtype)), labels);
            loss.backward();
            optimizer.step();
            losses[step] = loss.to_type(ScalarType.Float64).item<double>();
        }

        return losses;
    }
}
