namespace XSepConv.Cli.Tests;

public class ToolTests
{
    [Fact]
    public async Task The_built_program_prints_the_plan_and_nothing_else()
    {
        var (exitCode, output, error) = await ToolProcess.Run("plan", "2", "--json");

        Assert.Equal(0, exitCode);
        Assert.Equal("""{"layers":["RightBottom","LeftTop"],"residualShift":[0,0]}""" + Environment.NewLine, output);
        Assert.Equal("", error);
    }

    [Fact]
    public async Task The_built_program_refuses_in_one_line_with_exit_code_2()
    {
        var (exitCode, output, error) = await ToolProcess.Run("plan", "none");

        Assert.Equal(2, exitCode);
        Assert.Equal("", output);
        Assert.Contains("'none'", Here.SingleLine(error));
    }

    [Theory]
    [InlineData("There is no command 'plann' here. Did you mean 'plan'?", "plann")]
    [InlineData("There is no command 'plann' here. Did you mean 'plan'?", "plann", "6", "--json")]
    [InlineData("There is no command 'fly' here.", "fly")]
    [InlineData("There is no option '--verson' here. Did you mean '--version'?", "--verson")]
    public void An_unknown_command_is_refused_with_the_nearest_one(string expected, params string[] args)
    {
        Assert.Equal($"xsepconv: {expected} See 'xsepconv --help'.", Here.Refusal(args));
    }

    [Theory]
    [InlineData()]
    [InlineData("--help")]
    [InlineData("-h")]
    public void Help_lists_commands_examples_and_exit_codes(params string[] args)
    {
        var (exitCode, output, error) = Here.Run(args);

        Assert.Equal(0, exitCode);
        Assert.Equal("", error);
        foreach (var text in new[] { "plan <layers>", "Examples:", "Exit codes:", "130" }) Assert.Contains(text, output);
    }

    [Fact]
    public void Every_command_explains_itself_with_examples()
    {
        foreach (var command in Tool.Root().Subcommands)
        {
            var (exitCode, output, error) = Here.Run(command.Name, "--help");

            Assert.Equal(0, exitCode);
            Assert.Equal("", error);
            Assert.Contains($"xsepconv {command.Name}", output);
            Assert.Contains("Examples:", output);
            foreach (var option in command.Options)
            {
                Assert.Contains(option.Name, output);
                Assert.False(string.IsNullOrWhiteSpace(option.Description), $"{command.Name} {option.Name} says nothing");
            }
        }
    }

    [Theory]
    [InlineData("mobilenet-v3-smal-twin", "mobilenet-v3-small-twin")]
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
