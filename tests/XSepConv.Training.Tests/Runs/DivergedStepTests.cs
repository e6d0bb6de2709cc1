using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

/// <summary>A loss that is a number, and a gradient that is none, whatever the recipe does with gradients.</summary>
[Collection(TorchTests.Name)]
public sealed class DivergedStepTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<OptimizerKind, bool, int, bool, float> Recipes()
    {
        var recipes = new TheoryData<OptimizerKind, bool, int, bool, float>();
        foreach (var optimizer in Enum.GetValues<OptimizerKind>())
        {
            foreach (var clips in new[] { false, true })
            {
                foreach (var accumulated in new[] { 1, 2 })
                {
                    recipes.Add(optimizer, clips, accumulated, false, float.NaN);
                    recipes.Add(optimizer, clips, accumulated, true, float.NegativeInfinity);
                }
            }
        }

        return recipes;
    }

    public void Dispose() => _scope.Dispose();

    // The twin never meets the gradient: what follows has its bits only where the optimizer remembers the same too.
    [Theory]
    [MemberData(nameof(Recipes))]
    public void Nothing_is_left_of_a_gradient_that_is_no_number(
        OptimizerKind optimizer, bool clips, int accumulated, bool averages, float value)
    {
        var recipe = new TrainingRecipe
        {
            Optimizer = optimizer,
            ClipNorm = clips ? 1 : null,
            AccumulateBatches = accumulated,
            EmaDecay = averages ? 0.9 : 0,
        };
        using var network = new MobileNet(TorchTests.Spec() with { Dropout = 0 });
        using var twin = new MobileNet(network.Spec);
        foreach (var (key, tensor) in twin.state_dict())
        {
            using (no_grad()) tensor.copy_(network.state_dict()[key]);
        }

        using var step = new TrainingStep(network, recipe, stepsPerEpoch: 4);
        using var other = new TrainingStep(twin, recipe, stepsPerEpoch: 4);
        var (images, labels) = (randn(4, 3, 16, 16), tensor(new[] { 0L, 1, 2, 3 }));
        Steps(step);
        Steps(other);

        for (var i = 1; i < accumulated; i++) step.Run(images, labels);
        var gradient = network.parameters().Last().grad!;
        using (no_grad()) gradient.view(-1)[^1] = value;
        var error = Assert.Throws<TrainingDivergedException>(() => step.Run(images, labels));

        Assert.True(double.IsFinite(error.Loss));
        Assert.Contains("The gradient's norm is", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, step.StepsDone);
        Same();
        Steps(step);
        Steps(other);
        Same();

        void Steps(TrainingStep one)
        {
            for (var i = 0; i < accumulated; i++) one.Run(images, labels);
        }

        void Same()
        {
            var (ours, theirs) = (network.state_dict(), twin.state_dict());
            Assert.All(ours, entry => Assert.True(entry.Value.equal(theirs[entry.Key]).all().ToBoolean(), entry.Key));
            if (!averages) return;
            (ours, theirs) = (step.Average!.state_dict(), other.Average!.state_dict());
            Assert.All(ours, entry => Assert.True(entry.Value.equal(theirs[entry.Key]).all().ToBoolean(), entry.Key));
        }
    }

    // 3e38 is a float32, the root of the sum of its squares is not. Only clipping needs that.
    [Fact]
    public void A_gradient_of_numbers_is_followed_though_its_norm_is_none()
    {
        using var network = nn.Linear(1, 2, hasBias: false);
        using (no_grad()) network.weight!.zero_();
        var recipe = new TrainingRecipe
        {
            LearningRate = 1e-38,
            Schedule = ScheduleKind.Step,
            WarmupEpochs = 0,
            Momentum = 0,
            Nesterov = false,
            WeightDecay = 0,
            LabelSmoothing = 0
        };
        using var step = new TrainingStep(network, recipe, stepsPerEpoch: 1);
        var (images, labels) = (full([2, 1], 3e38f), tensor(new[] { 0L, 0 }));

        step.Run(images, labels);

        // (½ − 1)·3e38, times 1e-38, of the own class.
        Assert.Equal([1.5f, -1.5f], network.weight!.data<float>().ToArray().Select(weight => MathF.Round(weight, 3)));
        using var clips = new TrainingStep(network, recipe with { ClipNorm = 1 }, stepsPerEpoch: 1);
        using (no_grad()) network.weight!.zero_();
        Assert.Throws<TrainingDivergedException>(() => clips.Run(images, labels));
    }
}
