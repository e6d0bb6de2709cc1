using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

[Collection(TorchTests.Name)]
public sealed class WeightAverageTests
{
    [Fact]
    public void Weights_and_running_statistics_are_averaged_and_counters_are_not()
    {
        using var scope = NewDisposeScope();
        using var network = new MobileNet(TorchTests.Spec());
        using var average = new WeightAverage(network, 0.5);
        var (own, averaged) = (network.state_dict(), average.Network.state_dict());
        double weight = own["conv1.weight"].mean().ToDouble(), variance = 1;
        using (no_grad())
        {
            for (var step = 0; step < 3; step++)
            {
                own["conv1.weight"].add_(1);
                own["bn1.running_var"].add_(2);
                own["bn1.num_batches_tracked"].add_(1);
                average.Add(step);

                // The decay is (1 + t)/(10 + t), 0.1, 2/11 and 0.25, while that is below 0.5.
                var decay = (1.0 + step) / (10.0 + step);
                weight = (decay * weight) + ((1 - decay) * own["conv1.weight"].mean().ToDouble());
                variance = (decay * variance) + ((1 - decay) * (1 + (2 * (step + 1))));
            }
        }

        // float32 of numbers up to 7: some 1e-6.
        Assert.Equal(weight, averaged["conv1.weight"].mean().ToDouble(), 1e-5);
        Assert.Equal(variance, averaged["bn1.running_var"].mean().ToDouble(), 1e-5);
        Assert.Equal(3, averaged["bn1.num_batches_tracked"].ToInt64());
        Assert.False(average.Network.training);
    }

    [Theory]
    [InlineData(0.99, 0, 0.1)]
    [InlineData(0.99, 8, 0.5)]
    [InlineData(0.99, 890, 0.99)] // 891/900
    [InlineData(0.99, 100_000, 0.99)]
    public void The_decay_grows_to_its_value(double decay, long step, double expected) =>
        Assert.Equal(expected, WeightAverage.DecayAt(decay, step), 1e-15);
}
