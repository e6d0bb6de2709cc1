namespace XSepConv.Cli.Tests;

public class PlanTests
{
    private const string Six =
        """{"layers":["RightBottom","LeftTop","LeftBottom","RightTop","RightBottom","LeftTop"],"residualShift":[0,0]}""";

    [Theory]
    [InlineData("plan", "6", "--json")]
    [InlineData("plan", "--json", "6")]
    [InlineData("plan", "--stages", "4,2", "--json")]
    [InlineData("plan", "--stages=4,2", "--json")]
    [InlineData("plan", "--stages", "4, 0, 2", "--json")]
    public void Six_layers_are_this_literal_JSON(params string[] args)
    {
        var (exitCode, output, error) = Here.Run(args);

        Assert.Equal(0, exitCode);
        Assert.Equal(Six + Environment.NewLine, output);
        Assert.Equal("", error);
    }

    [Fact]
    public void Stages_differ_from_one_network_where_a_stage_is_odd()
    {
        var (_, output, _) = Here.Run("plan", "--stages", "1,1", "--json");

        Assert.Equal("""{"layers":["Symmetric","Symmetric"],"residualShift":[0,0]}""" + Environment.NewLine, output);
    }

    [Fact]
    public void The_drawing_shows_where_content_and_zeros_lie_and_where_the_content_moves()
    {
        var (exitCode, output, _) = Here.Run("plan", "5");

        Assert.Equal(0, exitCode);
        // Zeros on the right and below leave the content in the upper left, and so on; the fifth is the four together.
        string[] expected =
        [
            "  1           2           3           4           5",
            "  ■ ■ ·       · · ·       · ■ ■       · · ·         ↘ ↗",
            "  ■ ■ ·  ↖    · ■ ■  ↘    · ■ ■  ↗    ■ ■ ·  ↙       ·",
            "  · · ·       · ■ ■       · · ·       ■ ■ ·         ↙ ↖",
        ];
        Assert.Contains(string.Join(Environment.NewLine, expected), output);
        Assert.Contains("↖ ½ left, ½ up", output);
        Assert.Contains("(0,1,0,1)", output);
        Assert.Contains("left over: 0 across, 0 down", output);
    }

    [Fact]
    public void The_table_counts_the_shift_in_pixels_of_the_first_stage()
    {
        var (_, output, _) = Here.Run("plan", "--stages", "2,0,2");

        // Half a pixel at stride 4 is two.
        Assert.Contains("−2, −2", output);
    }

    [Theory]
    [InlineData("Give either", "plan")]
    [InlineData("Give either", "plan", "6", "--stages", "4,2")]
    [InlineData("'x': it must be a whole number from 1 to 65536", "plan", "x")]
    [InlineData("'0': it must be", "plan", "0")]
    [InlineData("'-1'", "plan", "-1")]
    [InlineData("'65537'", "plan", "65537")]
    [InlineData("'9999999999999999999999'", "plan", "9999999999999999999999")]
    [InlineData("no argument '4'", "plan", "3", "4")]
    [InlineData("'3,x': each stage has", "plan", "--stages", "3,x")]
    [InlineData("'3,-1'", "plan", "--stages", "3,-1")]
    [InlineData("give at most 24 numbers", "plan", "--stages", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1")]
    [InlineData("no option '--stage' here. Did you mean '--stages'?", "plan", "--stage", "3")]
    [InlineData("no option '--jsn' here. Did you mean '--json'?", "plan", "6", "--jsn")]
    [InlineData("Required argument missing for option: '--stages'", "plan", "--stages")]
    public void Bad_input_is_refused_in_one_line(string expected, params string[] args)
    {
        var line = Here.Refusal(args);

        Assert.StartsWith("xsepconv plan: ", line);
        Assert.Contains(expected, line);
        Assert.EndsWith("See 'xsepconv plan --help'.", line);
    }
}
