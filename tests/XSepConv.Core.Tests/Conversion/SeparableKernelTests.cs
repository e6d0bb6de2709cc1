using TorchSharp;

namespace XSepConv.Core.Tests.Conversion;

public class SeparableKernelTests
{
    public static TheoryData<PaddingDirection> Paddings() =>
        [PaddingDirection.RightBottom, PaddingDirection.LeftTop, PaddingDirection.LeftBottom, PaddingDirection.RightTop];

    [Fact]
    public void The_composition_is_that_worked_out_by_hand()
    {
        // 1×3 (1, 2, 3) and 3×1 (1, 0, −1) make rows (1 2 3), (0 0 0), (−1 −2 −3). The 2×2 (10 1; 0 0) adds that to ten times of it, shifted by a column.
        var composed = SeparableKernel.Compose([10, 1, 0, 0], [1, 2, 3], [1, 0, -1]);

        Assert.Equal([10, 21, 32, 3, 0, 0, 0, 0, -10, -21, -32, -3, 0, 0, 0, 0], composed);
    }

    [Theory]
    [MemberData(nameof(Paddings))]
    public void A_kernel_that_is_a_product_is_found_exactly(PaddingDirection padding)
    {
        double[] column = [1, -2, 3, 0.5, -1], row = [2, 1, 0, -1, 4];
        var kernel = column.SelectMany(v => row.Select(u => u * v)).ToArray();
        var fit = SeparableKernel.Fit(kernel, padding);

        // The ridge of 1e-12 bounds what is left.
        Assert.InRange(fit.Error, 0, 1e-10);
        Assert.InRange(Distance(kernel, fit, padding), 0, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Paddings))]
    public void A_kernel_of_rank_two_that_a_2x2_makes_of_a_product_is_found_too(PaddingDirection padding)
    {
        // 4×4 products composed with (1 0.3; −0.2 0.8) fill 5×5: no product of one row and one column comes near.
        var kernel = SeparableKernel.Compose([1, 0.3, -0.2, 0.8], [1, 2, -1, 0.5], [0.5, 1, 1, -0.3]);
        var fit = SeparableKernel.Fit(kernel, padding);

        Assert.InRange(fit.Error, 0, 0.02);
    }

    [Fact]
    public void The_error_is_what_the_best_product_leaves_at_most()
    {
        // The identity matrix has three equal singular values: the best product leaves 2/3 of the squares.
        double[] kernel = [1, 0, 0, 0, 1, 0, 0, 0, 1];
        Assert.InRange(SeparableKernel.Fit(kernel, PaddingDirection.RightBottom).Error, 0, 2.0 / 3);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(9)]
    [InlineData(15)]
    [InlineData(31)]
    [InlineData(63)]
    public void A_random_kernel_is_fitted_at_least_as_well_as_by_its_largest_singular_vectors(int k)
    {
        using var scope = torch.NewDisposeScope();
        torch.random.manual_seed(41);
        var kernel = torch.randn(k, k, dtype: torch.float64);
        var squares = torch.linalg.svdvals(kernel).square();
        var product = (1 - (squares[0] / squares.sum())).item<double>();
        var fit = SeparableKernel.Fit(kernel.data<double>().ToArray(), PaddingDirection.LeftBottom);

        // The 2×2 has three values more than a product: never worse, and a little better.
        Assert.InRange(fit.Error, 0, product);
        Assert.All(fit.TwoByTwo.Concat(fit.Row).Concat(fit.Column), value => Assert.True(double.IsFinite(value)));
    }

    [Fact]
    public void A_kernel_of_zeros_gives_finite_kernels()
    {
        var fit = SeparableKernel.Fit(new double[25], PaddingDirection.LeftTop);
        Assert.All(fit.TwoByTwo.Concat(fit.Row).Concat(fit.Column), value => Assert.True(double.IsFinite(value)));
        Assert.Equal(0, fit.Error);
    }

    // Up to a factor, which the last batch norm has.
    private static double Distance(double[] kernel, SeparableKernel fit, PaddingDirection padding)
    {
        var k = fit.Row.Length;
        var composed = SeparableKernel.Compose(fit.TwoByTwo, fit.Row, fit.Column);
        var (top, left) = padding switch
        {
            PaddingDirection.LeftTop => (1, 1),
            PaddingDirection.LeftBottom => (0, 1),
            PaddingDirection.RightTop => (1, 0),
            _ => (0, 0),
        };
        var target = new double[(k + 1) * (k + 1)];
        for (var i = 0; i < k; i++)
        {
            for (var j = 0; j < k; j++) target[((i + top) * (k + 1)) + j + left] = kernel[(i * k) + j];
        }

        double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
        var cosine = Dot(composed, target) / Math.Sqrt(Dot(composed, composed) * Dot(target, target));
        return Math.Sqrt(Math.Max(0, 1 - (cosine * cosine)));
    }
}
