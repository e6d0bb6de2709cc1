using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

[Collection(TorchTests.Name)]
public sealed class AdamWTests
{
    [Fact]
    public void Steps_are_those_of_the_paper_in_float64()
    {
        // Loshchilov and Hutter 2017, algorithm 2, for a weight (which decays) and a bias (which does not), with the gradients of w·x + b
        // at x = 3: 3 and 1.
        const double Beta1 = 0.8, Beta2 = 0.95, Decay = 0.1, Epsilon = 1e-8;
        using var linear = nn.Linear(1, 1, dtype: ScalarType.Float64);
        using var adam = new AdamW(linear, Beta1, Beta2, Decay);
        double[] value = [linear.weight!.ToDouble(), linear.bias!.ToDouble()], first = [0, 0], second = [0, 0];
        for (var step = 1; step <= 4; step++)
        {
            using var scope = NewDisposeScope();
            var rate = 0.1 / step;
            linear.call(full(1, 1, 3.0 * step, ScalarType.Float64)).sum().backward();
            adam.Step(rate);
            Gradients.Clear(adam);
            for (var i = 0; i < 2; i++)
            {
                double gradient = i == 0 ? 3 * step : 1;
                first[i] = (Beta1 * first[i]) + ((1 - Beta1) * gradient);
                second[i] = (Beta2 * second[i]) + ((1 - Beta2) * gradient * gradient);
                var (m, v) = (first[i] / (1 - Math.Pow(Beta1, step)), second[i] / (1 - Math.Pow(Beta2, step)));
                if (i == 0) value[i] -= rate * Decay * value[i];
                value[i] -= rate * m / (Math.Sqrt(v) + Epsilon);
            }

            Assert.Equal(value[0], linear.weight!.ToDouble(), 1e-12);
            Assert.Equal(value[1], linear.bias!.ToDouble(), 1e-12);
        }
    }

    [Fact]
    public void What_it_remembers_lies_under_the_names_of_its_parameters()
    {
        using var network = new MobileNet(TorchTests.Spec());
        using var adam = new AdamW(network, 0.9, 0.999, 0.05);
        var shapes = network.named_parameters().ToDictionary(named => named.name, named => named.parameter.shape);
        Assert.Equal(2 * shapes.Count, adam.Memory.Count());
        foreach (var (name, tensor) in adam.Memory)
        {
            Assert.Matches("^training/adam/(first|second)/", name);
            Assert.Equal(shapes[name.Split('/')[^1]], tensor.shape);
        }
    }
}
