using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

[Collection(TorchTests.Name)]
public sealed class GradientsTests
{
    [Theory]
    [InlineData(10, 12, 5)] // of norm 13: shortened to 10/13
    [InlineData(13.5, 12, 5)] // short enough
    [InlineData(1, 0, 0)]
    public void The_norm_of_all_gradients_together_is_limited(double most, double weight, double bias)
    {
        using var scope = NewDisposeScope();
        using var linear = nn.Linear(1, 1, dtype: ScalarType.Float64);
        using var sgd = new Sgd(linear, 0, 0, nesterov: false);

        // d(w·x·bias + b·bias)/dw and /db.
        (linear.weight!.sum() * weight).backward();
        (linear.bias!.sum() * bias).backward();
        var norm = Math.Sqrt((weight * weight) + (bias * bias));
        Assert.Equal(norm, Gradients.Clip(Gradients.Of(sgd), most), 1e-12);

        // Torch divides by the norm and 1e-6.
        var factor = norm > most ? most / (norm + 1e-6) : 1;
        Assert.Equal(weight * factor, linear.weight!.grad!.ToDouble(), 1e-12);
        Assert.Equal(bias * factor, linear.bias!.grad!.ToDouble(), 1e-12);
        Gradients.Clear(sgd);
        Assert.Equal(0, linear.weight!.grad!.ToDouble());
    }

    [Fact]
    public void A_gradient_that_is_no_number_is_reported_as_it_is()
    {
        using var scope = NewDisposeScope();
        using var linear = nn.Linear(2, 1, dtype: ScalarType.Float64);
        using var sgd = new Sgd(linear, 0, 0, nesterov: false);
        (linear.weight!.sum() * double.PositiveInfinity).backward();
        Assert.False(double.IsFinite(Gradients.Clip(Gradients.Of(sgd), 1)));
        Assert.True(linear.weight!.grad!.isinf().all().ToBoolean());
    }
}
