using TorchSharp;

namespace XSepConv.Core.Tests.Conversion;

public class SeparableKernelTests
{
    public static TheoryData<PaddingDirection> Paddings() =>
        [PaddingDirection.RightBottom, PaddingDirection.LeftTop, PaddingDirection.LeftBottom, PaddingDirection.RightTop];

    [Theory]
    [MemberData(nameof(Paddings))]
    public void A_kernel_that_is_a_product_is_found_exactly(PaddingDirection padding)
    {
        double[] column = [1, -2, 3, 0.5, -1], row = [2, 1, 0, -1, 4];
        var kernel = column.SelectMany(v => row.Select(u => u * v)).ToArray();

        // The ridge of 1e-12 bounds what is left.
        Assert.InRange(Error(kernel, padding), -1e-12, 1e-10);
    }

    [Theory]
    [MemberData(nameof(Paddings))]
    public void A_kernel_of_rank_two_that_a_2x2_makes_of_a_product_is_found_too(PaddingDirection padding)
    {
        // 4×4 products composed with (1 0.3; −0.2 0.8) fill 5×5: no product of one row and one column comes near.
        Assert.InRange(Error(Composed(new([1, 0.3, -0.2, 0.8], [1, 2, -1, 0.5], [0.5, 1, 1, -0.3])), padding), 0, 0.02);
    }

    [Fact]
    public void The_error_is_what_the_best_product_leaves_at_most()
    {
        // The identity matrix has three equal singular values: the best product leaves 2/3 of the squares.
        double[] kernel = [1, 0, 0, 0, 1, 0, 0, 0, 1];
        Assert.InRange(Error(kernel, PaddingDirection.RightBottom), 0, 2.0 / 3);
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
        var random = torch.randn(k, k, dtype: torch.float64);
        var squares = torch.linalg.svdvals(random).square();
        var product = (1 - (squares[0] / squares.sum())).item<double>();

        // The 2×2 has three values more than a product: never worse, and a little better.
        Assert.InRange(Error(random.data<double>().ToArray(), PaddingDirection.LeftBottom), 0, product);
    }

    [Fact]
    public void A_kernel_of_zeros_gives_finite_kernels()
    {
        var fit = Fit(new double[25], PaddingDirection.LeftTop);
        Assert.All(fit.TwoByTwo.Concat(fit.Row).Concat(fit.Column), value => Assert.True(double.IsFinite(value)));
    }

    private static SeparableKernel Fit(double[] kernel, PaddingDirection padding)
    {
        double[] even = [.. Enumerable.Repeat(1.0, (int)Math.Sqrt(kernel.Length) + 1)];
        return SeparableKernel.Fit(kernel, padding, even, even);
    }

    /// <summary>What is left of the squares, up to a factor, which the last batch norm has.</summary>
    private static double Error(double[] kernel, PaddingDirection padding)
    {
        var fit = Fit(kernel, padding);
        var (k, composed) = (fit.Row.Length, Composed(fit));
        var (top, left) = padding switch
        {
            PaddingDirection.LeftTop => (1, 1),
            PaddingDirection.LeftBottom => (0, 1),
            PaddingDirection.RightTop => (1, 0),
            _ => (0, 0),
        };
        var target = new double[(k + 1) * (k + 1)];
        for (var i = 0; i < kernel.Length; i++) target[(((i / k) + top) * (k + 1)) + (i % k) + left] = kernel[i];
        return 1 - (Dot(composed, target) * Dot(composed, target) / (Dot(composed, composed) * Dot(target, target)));

        static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
    }

    /// <summary>What the three do together: a value for each tap of the 2×2, of the column and of the row.</summary>
    private static double[] Composed(SeparableKernel fit)
    {
        var size = fit.Row.Length + 1;
        var taps = new double[size * size];
        for (var p = 0; p < 4; p++)
        {
            for (var i = 0; i < fit.Column.Length; i++)
            {
                for (var j = 0; j < fit.Row.Length; j++)
                {
                    taps[((i + (p / 2)) * size) + j + (p % 2)] += fit.TwoByTwo[p] * fit.Column[i] * fit.Row[j];
                }
            }
        }

        return taps;
    }
}
