using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

public sealed class ReferenceTests
{
    [Theory]
    [InlineData(Activation.ReLU, 1, false)]
    [InlineData(Activation.HSwish, 1, false)]
    [InlineData(Activation.HSwish, 2, false)]
    [InlineData(Activation.HSwish, 1, true)]
    public void Gradients_of_the_float64_reference_are_its_difference_quotients(Activation activation, int stride, bool frozen)
    {
        var shape = new XSepStageShape(2, 4, 4, 5, 3, stride, PaddingDirection.Symmetric, activation) { ActivateOutput = true };
        var (data, reference, _) = XSepStageCases.Draw(shape, 1, frozen);
        var gradient = reference.Backward(data.OutputGradient64);

        // Central differences in float64: an error of step² from the third derivative, of 1e-16 / step from rounding.
        const double Step = 1e-6;
        var random = new Random(2);
        for (var probe = 0; probe < 20; probe++)
        {
            var i = random.Next(data.Input.Length);
            Assert.Equal((Loss(i, Step) - Loss(i, -Step)) / (2 * Step), gradient.Values[i], 1e-6);
        }

        double Loss(int index, double step)
        {
            var input = data.Input64;
            input.Values[index] += step;
            var fresh = new XSepStageReference(shape, data);
            for (var n = 0; frozen && n < 3; n++)
            {
                fresh.Norms[n].Frozen = true;
                fresh.Norms[n].Mean = reference.Norms[n].Mean;
                fresh.Norms[n].Variance = reference.Norms[n].Variance;
            }

            return fresh.Forward(input).Values.Zip(data.OutputGradient64.Values, (y, g) => y * g).Sum();
        }
    }

    [Fact]
    public void Weight_gradients_of_the_float64_reference_are_its_difference_quotients()
    {
        var shape = new XSepStageShape(2, 4, 4, 5, 3, 1, PaddingDirection.LeftBottom, Activation.HSwish);
        var (data, reference, _) = XSepStageCases.Draw(shape, 1);
        reference.Backward(data.OutputGradient64);
        Check(data.TwoByTwo, reference.TwoByTwoGradient.Values);
        Check(data.Horizontal, reference.HorizontalGradient.Values);
        Check(data.Vertical, reference.VerticalGradient.Values);
        for (var i = 0; i < 3; i++)
        {
            Check(data.NormWeights[i], reference.Norms[i].WeightGradient.Values);
            Check(data.NormBiases[i], reference.Norms[i].BiasGradient.Values);
        }

        // The parameters are float32: a step of 2⁻⁹ is exact on values below 4, its third-derivative error within 1e-3 here.
        void Check(float[] parameter, double[] gradient)
        {
            const float Step = 1f / 512;
            for (var i = 0; i < parameter.Length; i++)
            {
                var value = parameter[i];
                parameter[i] = value + Step;
                double above = parameter[i], lossAbove = Loss();
                parameter[i] = value - Step;
                double below = parameter[i], lossBelow = Loss();
                parameter[i] = value;
                Assert.Equal((lossAbove - lossBelow) / (above - below), gradient[i], 2e-3);
            }
        }

        double Loss() =>
            new XSepStageReference(shape, data).Forward(data.Input64).Values.Zip(data.OutputGradient64.Values, (y, g) => y * g).Sum();
    }
}
