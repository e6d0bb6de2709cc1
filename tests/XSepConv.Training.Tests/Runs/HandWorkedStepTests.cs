using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

/// <summary>What a step makes of a recipe, against the arithmetic in doubles: every number of it, in the right order.</summary>
[Collection(TorchTests.Name)]
public sealed class HandWorkedStepTests : IDisposable
{
    private const int Steps = 2, Accumulated = 2;
    private const double Rate = 0.3, Decay = 0.1, Smoothing = 0.2, Clip = 0.1, Momentum = 0.5, Beta1 = 0.6, Beta2 = 0.7;

    private static readonly TrainingRecipe s_recipe = new()
    {
        Epochs = 1,
        BatchSize = 2,
        AccumulateBatches = Accumulated,
        LearningRate = Rate,
        Schedule = ScheduleKind.Step,
        WarmupEpochs = 0,
        Momentum = Momentum,
        AdamBeta1 = Beta1,
        AdamBeta2 = Beta2,
        WeightDecay = Decay,
        LabelSmoothing = Smoothing,
        ClipNorm = Clip,
    };

    // Such that the mean gradient of two batches is longer than the clip in both steps.
    private static readonly (double[] X, long[] Labels)[] s_batches =
        [([1, 3], [0, 1]), ([2, -1], [1, 1]), ([0.5, -2], [0, 0]), ([4, 1], [1, 0])];

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Steps_of_SGD_take_every_number_of_the_recipe(bool nesterov)
    {
        double[] velocity = [0, 0];
        Check(s_recipe with { Optimizer = OptimizerKind.Sgd, Nesterov = nesterov }, Move);

        double Move(int at, double weight, double gradient, int step, double rate)
        {
            var direction = gradient + (Decay * weight);
            velocity[at] = (Momentum * velocity[at]) + direction;
            return weight - (rate * (nesterov ? direction + (Momentum * velocity[at]) : velocity[at]));
        }
    }

    [Fact]
    public void Steps_of_AdamW_take_every_number_of_the_recipe()
    {
        double[] first = [0, 0], second = [0, 0];
        Check(s_recipe with { Optimizer = OptimizerKind.AdamW }, Move);

        double Move(int at, double weight, double gradient, int step, double rate)
        {
            first[at] = (Beta1 * first[at]) + ((1 - Beta1) * gradient);
            second[at] = (Beta2 * second[at]) + ((1 - Beta2) * gradient * gradient);
            var (mean, square) = (first[at] / (1 - Math.Pow(Beta1, step)), second[at] / (1 - Math.Pow(Beta2, step)));
            return weight - (rate * Decay * weight) - (rate * mean / (Math.Sqrt(square) + 1e-8));
        }
    }

    [Fact]
    public void The_average_follows_the_weights_that_have_moved()
    {
        using var network = new MobileNet(TorchTests.Spec());
        using var step = new TrainingStep(network, s_recipe with { AccumulateBatches = 1, EmaDecay = 0.5 }, stepsPerEpoch: 8);
        var (own, average) = (Weights(network), Weights(step.Average!));
        var (images, labels) = (randn(4, 3, 16, 16), tensor(new[] { 0L, 1, 2, 3 }));

        // The decay is (1 + t)/(10 + t), 0.1 and 2/11, while that is below 0.5.
        foreach (var decay in new[] { 0.1, 2.0 / 11 })
        {
            step.Run(images, labels);
            var moved = Weights(network);
            var expected = (average * decay) + (moved * (1 - decay));
            average = Weights(step.Average!);

            // float32 of weights about 1; the weights move by a hundredth at least.
            Assert.InRange((moved - own).abs().max().ToDouble(), 0.01, 1);
            Assert.InRange((average - expected).abs().max().ToDouble(), 0, 1e-6);
            own = moved;
        }

        static Tensor Weights(MobileNet network) =>
            cat([.. network.parameters().Select(one => one.detach().to(ScalarType.Float64).flatten())]);
    }

    // Steps of a layer with a weight for each of two classes, which start from 0: move gives the weight of a class after a step, from 1.
    private static void Check(TrainingRecipe recipe, Func<int, double, double, int, double, double> move)
    {
        using var network = nn.Linear(1, 2, hasBias: false, dtype: ScalarType.Float64);
        using (no_grad()) network.weight!.zero_();
        using var taken = new TrainingStep(network, recipe, Steps);
        double[] weights = [0, 0];
        for (var step = 0; step < Steps; step++)
        {
            double[] gradient = [0, 0];
            foreach (var (x, labels) in s_batches.AsSpan(step * Accumulated, Accumulated))
            {
                for (var i = 0; i < x.Length; i++)
                {
                    var sure = 1 / (1 + Math.Exp((weights[1] - weights[0]) * x[i]));
                    for (var k = 0; k < 2; k++)
                    {
                        var target = (labels[i] == k ? 1 - Smoothing : 0) + (Smoothing / 2);
                        gradient[k] += ((k == 0 ? sure : 1 - sure) - target) * x[i] / x.Length / Accumulated;
                    }
                }

                taken.Run(tensor(x).reshape(-1, 1), tensor(labels));
            }

            var norm = Math.Sqrt((gradient[0] * gradient[0]) + (gradient[1] * gradient[1]));
            Assert.InRange(norm, 1.5 * Clip, 10);

            // Torch divides by the norm and 1e-6. The second half of a run has a tenth of the learning rate.
            for (var k = 0; k < 2; k++)
            {
                weights[k] = move(k, weights[k], gradient[k] * Clip / (norm + 1e-6), step + 1, step == 0 ? Rate : Rate / 10);
            }

            Assert.Equal(weights[0], network.weight![0, 0].ToDouble(), 1e-12);
            Assert.Equal(weights[1], network.weight![1, 0].ToDouble(), 1e-12);
        }
    }
}
