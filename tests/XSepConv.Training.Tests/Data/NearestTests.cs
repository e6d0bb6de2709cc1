namespace XSepConv.Training.Tests;

public class NearestTests
{
    [Theory]
    [InlineData("mobilenet-v3-smal-twin", "mobilenet-v3-small-twin")]
    [InlineData("mobilenet-v3-small", "mobilenet-v3-small-twin")]
    [InlineData("xsep-mobilenet", "xsep-mobilenet-v3-small")]
    [InlineData("fashion", "fashion-mnist")]
    [InlineData("MNIST", "mnist")]
    [InlineData("shpaes", "shapes")]
    [InlineData("imagenet-21k", null)]
    [InlineData("", null)]
    public void The_nearest_name_is_the_one_that_was_meant(string typed, string? meant)
    {
        Assert.Equal(meant, Nearest.To(typed, ["xsep-mobilenet-v3-small", "mobilenet-v3-small-twin", "shapes", "fashion-mnist", "mnist"]));
    }

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("abc", "", 3)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("shpaes", "shapes", 1)]
    public void Distance_counts_insertions_deletions_replacements_and_swaps(string a, string b, int distance)
    {
        Assert.Equal(distance, Nearest.Distance(a, b));
        Assert.Equal(distance, Nearest.Distance(b, a));
    }
}
