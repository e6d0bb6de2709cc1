using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

[Collection(TorchTests.Name)]
public sealed class ModelEmaTests
{
    [Fact]
    public void Weights_and_running_statistics_are_averaged_and_counters_are_not()
    {
        using var scope = NewDisposeScope();
        using var network = new MobileNet(TorchTests.Spec());
        using var average = new ModelEma(network, 0.5);
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

    [Fact]
    public void The_average_has_the_type_of_the_weights()
    {
        using var scope = NewDisposeScope();
        using var network = new MobileNet(TorchTests.Spec(), dtype: ScalarType.Float64);
        using var average = new ModelEma(network, 0.5);
        using var noGrad = no_grad();
        Assert.Equal(ScalarType.Float64, average.Network.call(randn(2, 3, 32, 32, dtype: ScalarType.Float64)).dtype);

        // 0.1·w + 0.9·(w + 1e-12): float32 would lose it.
        var (own, averaged) = (network.state_dict()["bn1.weight"], average.Network.state_dict()["bn1.weight"]);
        own.add_(1e-12);
        average.Add(0);
        Assert.Equal(9e-13, (averaged - 1).max().ToDouble(), 1e-15);
    }

    [Theory]
    [InlineData(0.99, 0, 0.1)]
    [InlineData(0.99, 8, 0.5)]
    [InlineData(0.99, 890, 0.99)] // 891/900
    [InlineData(0.99, 100_000, 0.99)]
    public void The_decay_grows_to_its_value(double decay, long step, double expected) =>
        Assert.Equal(expected, ModelEma.DecayAt(decay, step), 1e-15);
}
