using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>A training run of the whole network, its loss and its gradients at every step beside float64's and torch's own float32's from the same weights.</summary>
public sealed class LossCurveTests
{
    private const int Steps = 6, Batch = 16;
    private const double Near = 1e-3;

    /// <summary>
    /// Two runs left to themselves have nothing in common after ten steps, torch's own included, whatever their kernels: batch norms of a few pooled values multiply
    /// rounding by hundreds in each step. So every step starts from the fused run's weights. How far such a norm throws a loss depends on the step, and a value that
    /// rounding puts on the other side of a kink throws it farther, in one step of four; a wrong kernel is wrong in all. So the measure is torch's own float32 from the same
    /// weights, over half of the steps: the fused loss is not ten times farther from float64 in their middle, above 1e-5. The gradients are about 5e-5 off in the nearest,
    /// and a few percent beyond a kink.
    /// </summary>
    [Theory]
    [InlineData(0, 1, null)]
    [InlineData(1, 2, null)]
    [InlineData(2, 2, null)]
    [InlineData(3, 2, Activation.ReLU)]
    [InlineData(4, 2, Activation.ReLU6)]
    [InlineData(5, 2, Activation.SiLU)]
    public void The_steps_of_a_fused_run_have_the_loss_and_the_gradients_of_float64(int seed, int threads, Activation? activation)
    {
        var before = get_num_threads();
        set_num_threads(threads);
        try
        {
            using var scope = NewDisposeScope();
            random.manual_seed(seed);
            var spec = MobileNetV3SmallSpec.XSep(new MobileNetV3Options { Preset = ImagePreset.Cifar, NumClasses = 10, Width = 0.5, Activation = activation });
            using var fused = new MobileNet(spec);
            using var exact = new MobileNet(spec, dtype: ScalarType.Float64);
            exact.SetXSepBackend(XSepBackend.Composed);
            using var stock = new MobileNet(spec);
            stock.SetXSepBackend(XSepBackend.Composed);

            // With a kink in every block fewer images leave a step of six without a value at one.
            var batch = activation is Activation.ReLU or Activation.ReLU6 ? Batch / 4 : Batch;

            // Ten patterns, with noise: something to learn in a few steps.
            var patterns = randn(10, 3, 32, 32);
            using var optimizer = optim.SGD(fused.parameters(), learningRate: 0.02, momentum: 0.9);
            var nearest = double.PositiveInfinity;
            var (distances, stockDistances) = (new List<double>(), new List<double>());

            // At least, and until one has no value at a kink: which one that is depends on how the processor rounds.
            for (var step = 0; step < Steps || (nearest > Near && step < 3 * Steps); step++)
            {
                using var stepScope = NewDisposeScope();
                var labels = randint(0, 10, [batch], ScalarType.Int64);
                var images = patterns[labels] + (0.5 * randn(batch, 3, 32, 32));
                Copy(fused, exact);
                Copy(fused, stock);

                var (loss, gradients) = Step(fused, images, labels);
                var (exactLoss, exactGradients) = Step(exact, images.to_type(ScalarType.Float64), labels);
                var (stockLoss, _) = Step(stock, images, labels);
                distances.Add(Math.Abs(loss - exactLoss));
                stockDistances.Add(Math.Abs(stockLoss - exactLoss));
                nearest = Math.Min(nearest, (gradients - exactGradients).norm().item<double>() / exactGradients.norm().item<double>());
                optimizer.step();
            }

            Assert.InRange(Middle(distances), 0, 1e-5 + (10 * Middle(stockDistances)));
            Assert.InRange(nearest, 0, Near);
        }
        finally
        {
            set_num_threads(before);
        }
    }

    private static double Middle(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static void Copy(MobileNet from, MobileNet to)
    {
        using var noGradients = no_grad();
        var weights = from.state_dict();
        foreach (var (key, tensor) in to.state_dict()) tensor.copy_(weights[key]);
    }

    private static (double Loss, Tensor Gradients) Step(MobileNet network, Tensor images, Tensor labels)
    {
        network.zero_grad();
        var loss = nn.functional.cross_entropy(network.call(images), labels);
        loss.backward();
        var gradients = cat([.. network.parameters().Select(parameter => parameter.grad!.to_type(ScalarType.Float64).flatten())]);
        return (loss.to_type(ScalarType.Float64).item<double>(), gradients);
    }
}
