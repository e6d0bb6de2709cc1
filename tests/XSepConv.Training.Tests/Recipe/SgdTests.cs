using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

[Collection(TorchTests.Name)]
public sealed class SgdTests
{
    [Theory]
    [InlineData(0.9, 0.01, true)]
    [InlineData(0.9, 0.01, false)]
    [InlineData(0, 0.01, false)]
    [InlineData(0.5, 0, true)]
    public void Steps_are_those_of_Torch(double momentum, double decay, bool nesterov)
    {
        // A weight only, so that decay applies to all there is, as in Torch's optimizer.
        using var scope = NewDisposeScope();
        using (manual_seed(5))
        {
        }

        using var ours = nn.Linear(4, 3, hasBias: false, dtype: ScalarType.Float64);
        using var theirs = nn.Linear(4, 3, hasBias: false, dtype: ScalarType.Float64);
        theirs.load_state_dict(ours.state_dict());
        using var sgd = new Sgd(ours, momentum, decay, nesterov);
        using var reference = optim.SGD(theirs.parameters(), 0.1, momentum: momentum, weight_decay: decay, nesterov: nesterov);
        for (var step = 0; step < 5; step++)
        {
            var rate = 0.1 / (step + 1);
            var x = randn(6, 4, dtype: ScalarType.Float64);
            ours.call(x).pow(2).sum().backward();
            sgd.Step(rate);
            Gradients.Clear(sgd);

            reference.zero_grad();
            theirs.call(x).pow(2).sum().backward();
            foreach (var group in reference.ParamGroups) group.LearningRate = rate;
            reference.step();

            // The same operations in float64; a different order would be off by some 1e-16.
            Assert.True(ours.weight!.allclose(theirs.weight!, rtol: 1e-13, atol: 1e-13));
        }
    }

    [Fact]
    public void Only_weights_of_convolutions_and_linear_layers_decay()
    {
        using var network = new MobileNet(TorchTests.Spec());
        using var sgd = new Sgd(network, 0.9, 1e-4, nesterov: true);

        // By the keys: batch norms are bn…, and the 1 and 4 of a squeeze-excite's or shortcut's sequence; biases are only in linear layers.
        var free = sgd.Slots.Where(slot => !slot.Decays).Select(slot => slot.Name).ToList();
        Assert.All(
            free, name => Assert.Matches(
                @"(^|\.)bn\d\.(weight|bias)$|se\.(2|5)\.(weight|bias)$|shortcut\.1\.(weight|bias)$|^linear\d\.bias$", name));
        Assert.All(sgd.Slots.Where(slot => slot.Decays), slot => Assert.EndsWith("weight", slot.Name, StringComparison.Ordinal));
        Assert.Contains("linear4.bias", free);
        Assert.DoesNotContain("linear4.weight", free);
        Assert.DoesNotContain("conv1.weight", free);
        Assert.Equal(network.named_parameters().Count(), sgd.Slots.Count);
    }

    [Fact]
    public void A_parameter_without_decay_and_gradient_stays()
    {
        using var linear = nn.Linear(2, 2);
        using var sgd = new Sgd(linear, 0.9, weightDecay: 1, nesterov: false);
        using var scope = NewDisposeScope();
        var (weight, bias) = (linear.weight!.detach().clone(), linear.bias!.detach().clone());
        (linear.call(zeros(1, 2)) * 0).sum().backward();
        sgd.Step(0.5);

        // The gradient is 0, so only decay moves: w − 0.5·1·w for the weight, nothing for the bias.
        Assert.True(linear.weight!.allclose(weight * 0.5));
        Assert.True(linear.bias!.allclose(bias));
    }
}
