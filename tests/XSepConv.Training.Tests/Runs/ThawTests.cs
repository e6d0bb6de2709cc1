using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

/// <summary>What is frozen when a step is made and thawed later trains from then on, as with an optimizer of Torch's that holds it.</summary>
[Collection(TorchTests.Name)]
public sealed class ThawTests : IDisposable
{
    private const int Before = 3, After = 4;

    private static readonly TrainingRecipe s_plain = new()
    {
        Epochs = 1,
        BatchSize = 4,
        LearningRate = 0.05,
        WarmupEpochs = 0,
        WeightDecay = 0,
        LabelSmoothing = 0,
    };

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.AdamW)]
    public void It_moves_as_with_torch_s_own_optimizer(OptimizerKind kind)
    {
        random.manual_seed(3);
        var (ours, theirs) = (Network(), Network());
        theirs.load_state_dict(ours.state_dict());
        using var step = new TrainingStep(ours, s_plain with { Optimizer = kind }, Before + After);
        using optim.Optimizer optimizer = kind == OptimizerKind.Sgd
            ? optim.SGD(theirs.parameters(), 0.05, momentum: 0.9, nesterov: true)
            : optim.AdamW(theirs.parameters(), 0.05, weight_decay: 0);
        for (var i = 0; i < Before + After; i++)
        {
            foreach (var network in new[] { ours, theirs }) network.get_parameter("a.weight")!.requires_grad = i >= Before;
            var (images, labels) = (randn(4, 3, dtype: ScalarType.Float64), tensor(new[] { 0L, 1, 1, 0 }));
            optimizer.ParamGroups.Single().LearningRate = step.LearningRate;
            step.Run(images, labels);
            optimizer.zero_grad();
            nn.functional.cross_entropy(theirs.call(images), labels).backward();
            optimizer.step();
        }

        foreach (var (one, other) in ours.parameters().Zip(theirs.parameters()))
        {
            Assert.True(one.allclose(other, rtol: 1e-6, atol: 1e-9), $"{one.sub(other).abs().max().item<double>()}");
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_average_takes_it_in(bool stages)
    {
        random.manual_seed(4);
        var network = new MobileNet(TorchTests.Spec());
        network.Freeze(1);
        using var step = new TrainingStep(network, s_plain with { EmaDecay = 0.999 }, Before + After);
        string[] keys = ["conv1.weight", "bn1.weight", .. stages ? ["bn1.running_mean"] : Array.Empty<string>()];
        var (own, averaged) = (network.state_dict(), step.Average!.state_dict());
        var expected = keys.ToDictionary(key => key, key => own[key].clone());
        var start = keys.ToDictionary(key => key, key => own[key].clone());
        for (var i = 0; i < Before + After; i++)
        {
            if (i == Before && stages) network.Freeze(0);
            else if (i == Before) foreach (var parameter in network.parameters()) parameter.requires_grad = true;
            step.Run(randn(8, 3, 32, 32), randint(0, 2, [8]));
            foreach (var key in keys)
            {
                if (i < Before) Assert.True(averaged[key].equal(start[key]).all().item<bool>(), key);
                var decay = (1.0 + i) / (10.0 + i);
                expected[key] = (expected[key] * decay) + (own[key].detach() * (1 - decay));
            }
        }

        foreach (var key in keys)
        {
            Assert.False(own[key].equal(start[key]).all().item<bool>(), key);
            Assert.True(averaged[key].allclose(expected[key], rtol: 1e-4, atol: 1e-6), key);
        }
    }

    [Fact]
    public void Layers_that_are_frozen_have_learning_rates_of_their_own_for_later()
    {
        var network = Network();
        network.get_parameter("a.weight")!.requires_grad = false;
        using var step = new TrainingStep(network, s_plain with { Momentum = 0, Nesterov = false }, 2, [new("a", 1e-30)]);
        network.get_parameter("a.weight")!.requires_grad = true;
        var before = network.get_parameter("a.weight")!.detach().clone();
        step.Run(randn(4, 3, dtype: ScalarType.Float64), tensor(new[] { 0L, 1, 1, 0 }));
        Assert.True(before.equal(network.get_parameter("a.weight")!).all().item<bool>());
    }

    /// <summary>Somebody's backward in between leaves a gradient that is no part of the next step.</summary>
    [Fact]
    public void A_gradient_from_before_is_not_taken()
    {
        var network = Network();
        var weight = network.get_parameter("a.weight")!;
        weight.requires_grad = false;
        using var step = new TrainingStep(network, s_plain with { Momentum = 0, Nesterov = false }, 2);
        weight.requires_grad = true;
        (weight * 1e6).sum().backward();
        var before = weight.detach().clone();
        step.Run(randn(4, 3, dtype: ScalarType.Float64), tensor(new[] { 0L, 1, 1, 0 }));
        Assert.InRange((weight - before).abs().max().item<double>(), 1e-9, 10);
    }

    private static nn.Module<Tensor, Tensor> Network() =>
        nn.Sequential(("a", nn.Linear(3, 4, dtype: ScalarType.Float64)), ("b", nn.Tanh()), ("c", nn.Linear(4, 2, dtype: ScalarType.Float64)));
}
