namespace XSepConv.Training.Tests.Comparison;

public sealed class PairedTestTests
{
    // From SciPy 1.10: stats.ttest_rel(a, b), and stats.t.interval(0.95, n − 1, mean(a − b), sem(a − b)).
    public static TheoryData<double[], double[], double, double, double, double> Cases => new()
    {
        { [0.901, 0.913, 0.896], [0.893, 0.901, 0.897], 1.647508942095828, 0.24121308936067173, -0.01020687064361099, 0.02287353731027767 },
        { [0.71, 0.69], [0.70, 0.67], 3.000000000000022, 0.20483276469913198, -0.04853102368215988, 0.07853102368215979 },
        {
            [0.9301, 0.9322, 0.9287, 0.9310, 0.9294, 0.9333, 0.9305, 0.9291],
            [0.9330, 0.9318, 0.9301, 0.9342, 0.9299, 0.9351, 0.9320, 0.9310],
            -3.8563414390592237, 0.0062409790568037525, -0.0025810850157862286, -0.0006189149842137798
        },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Statistic_p_value_and_interval_are_SciPy_s(double[] first, double[] second, double t, double p, double low, double high)
    {
        var test = PairedTest.Of(first, second);

        // Differences of numbers near 1 keep 13 digits, the distribution's inverse 10.
        Assert.Equal(t, test.T!.Value, 1e-9);
        Assert.Equal(p, test.P!.Value, 1e-9);
        Assert.Equal(low, test.Low!.Value, 1e-9);
        Assert.Equal(high, test.High!.Value, 1e-9);
        Assert.Equal(first.Length - 1, test.DegreesOfFreedom);
        Assert.Null(test.WhyNot);
    }

    [Fact]
    public void The_other_way_round_only_signs_change()
    {
        double[] a = [0.901, 0.913, 0.896], b = [0.893, 0.901, 0.897];
        PairedTest one = PairedTest.Of(a, b), other = PairedTest.Of(b, a);
        Assert.Equal(one.P!.Value, other.P!.Value, 1e-15);
        Assert.Equal(
            (-one.Mean, -one.T!.Value, -one.High!.Value, -one.Low!.Value),
            (other.Mean, other.T!.Value, other.Low!.Value, other.High!.Value));
    }

    [Fact]
    public void One_pair_allows_no_test()
    {
        var test = PairedTest.Of([0.75], [0.5]);
        Assert.Equal(0.25, test.Mean);
        Assert.Equal((null, null, null, null), (test.T, test.P, test.Low, test.High));
        Assert.Contains("one seed", test.WhyNot, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.1, 0.1)]
    [InlineData(0.1, 0.4)]
    public void Equal_differences_allow_none(double first, double second)
    {
        // 0.3 in each pair, but not the same bits in each: 0.4 − 0.1 is not 0.7 − 0.4.
        var test = PairedTest.Of([first, first + 0.3], [second, second + 0.3]);
        Assert.Null(test.P);
        Assert.Contains("equal", test.WhyNot, StringComparison.Ordinal);
    }

    [Fact]
    public void Pairs_need_as_many_of_both()
    {
        Assert.Contains(
            "3 and 2 values", Assert.Throws<ArgumentException>(() => PairedTest.Of([1, 2, 3], [1, 2])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => PairedTest.Of([], []));
    }

    // From SciPy 1.10: stats.binomtest(min(b, c), b + c, 0.5).pvalue.
    [Theory]
    [InlineData(5, 1, 0.21875)]
    [InlineData(0, 0, 1)]
    [InlineData(12, 30, 0.007915897334896727)]
    [InlineData(7, 7, 1)]
    [InlineData(0, 3, 0.25)]
    public void McNemar_s_p_value_is_the_exact_binomial_one(int onlyFirst, int onlySecond, double p) =>
        Assert.Equal(p, McNemarTest.Of(onlyFirst, onlySecond).P, 1e-12);

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    [InlineData(1e200)] // whose square is none
    public void Numbers_that_are_not_finite_allow_no_test(double value)
    {
        double[] known = [0.9, 0.8, 0.85], damaged = [0.7, value, 0.75];
        foreach (var test in new[] { PairedTest.Of(known, damaged), PairedTest.Of(damaged, known), PairedTest.Of([value], [0.5]) })
        {
            Assert.Equal((null, null, null, null), (test.T, test.P, test.Low, test.High));
            Assert.NotNull(test.WhyNot);
        }
    }
}
