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
        Assert.Contains("'none'", Here.Message(error));
    }

    [Theory]
    [InlineData("summary")]
    [InlineData("profile")]
    [InlineData("compare", "--data", "shapes")]
    [InlineData("predict", "--checkpoint", "none.safetensors", "none.png")]
    public async Task A_kernel_that_does_not_exist_is_refused_at_once_with_those_that_do(params string[] args)
    {
        var (exitCode, output, error) = await ToolProcess.RunWith([("XSEPCONV_KERNEL", "foo")], args);

        Assert.Equal(2, exitCode);
        Assert.Equal("", output);
        Assert.Contains(
            "XSEPCONV_KERNEL is \"foo\"; it is one of v512, v256, v128, scalar, or unset", Here.Message(error));
    }

    [Fact]
    public async Task Help_is_given_whatever_the_kernel()
    {
        var (exitCode, output, _) = await ToolProcess.RunWith([("XSEPCONV_KERNEL", "foo")], "profile", "--help");

        Assert.Equal(0, exitCode);
        Assert.Contains("--network", output);
    }

    [Theory]
    [InlineData("There is no command 'plann' here. Did you mean 'plan'?", "plann")]
    [InlineData("There is no command 'plann' here. Did you mean 'plan'?", "plann", "6", "--json")]
    [InlineData("There is no command 'fly' here.", "fly")]
    [InlineData("There is no option '--verson' here. Did you mean '--version'?", "--verson")]
    [InlineData("There is no option '--bs' here.", "--bs")]
    [InlineData("There is no option '-e' here.", "-e")]
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
        foreach (var text in new[] { "plan [<layers>]", "Examples:", "Exit codes:", "130" }) Assert.Contains(text, output);
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
    [InlineData("-v")]
    [InlineData("--version")]
    public void The_version_is_printed(string option)
    {
        var (exitCode, output, error) = Here.Run(option);

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Matches(@"^\d+\.\d+\.\d+", Here.SingleLine(output));
    }

    [Fact]
    public void A_file_in_the_wrong_place_and_a_folder_for_a_name_are_met_with_what_would_be_right()
    {
        Assert.Contains(
            "There is no argument 'best.safetensors' here. Option '--checkpoint' is required.", Here.Refusal(
                "evaluate", "best.safetensors"),
            StringComparison.Ordinal);
        Assert.Contains(
            $"A folder of images is read with --data folder --data-root {AppContext.BaseDirectory}.",
            Here.Refusal("train", "--data", AppContext.BaseDirectory), StringComparison.Ordinal);
    }

    [Fact]
    public void Help_is_a_command_too()
    {
        Assert.Equal(Here.Run("--help"), Here.Run("help"));
        Assert.Equal(Here.Run("train", "--help"), Here.Run("help", "train"));
        Assert.Equal(Here.Run("train", "--help"), Here.Run("train", "-h"));
        Assert.Equal("xsepconv help: There is no command 'trian' here. Did you mean 'train'?", Here.Refusal("help", "trian"));
    }

    [Fact]
    public void Every_wrong_option_is_listed_by_the_name_that_was_typed()
    {
        var (exitCode, output, error) = Here.Run("train", "--batch-size", "1", "--learning-rate", "fast", "--epochs");

        Assert.Equal((2, ""), (exitCode, output));
        string[] expected =
        [
            "xsepconv train: 3 things are wrong:",
            "   - --batch-size is '1': it must be a whole number from 2 to 65536.",
            "   - --learning-rate is 'fast': it must be a number above 0.",
            "   - Required argument missing for option: '--epochs'.",
            "   See 'xsepconv train --help'.",
        ];
        Assert.Equal(expected.Order(), error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries).Order());
        Assert.StartsWith(expected[0], error, StringComparison.Ordinal);
        Assert.EndsWith(expected[^1] + Environment.NewLine, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_says_what_each_recipe_sets()
    {
        var lines = Here.Run("train", "--help").Out.Split(Environment.NewLine)
            .Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

        string[] rows =
        [
            "--recipe quick standard strong", "--epochs 3 30 100", "--batch 32 128 128", "--optimizer sgd sgd adamw", "--lr 0.02 0.05 "
                + "0.002",
            "--weight-decay 0.0001 0.0005 0.05", "--clip 0 0 5", "--ema 0 0.995 0.999", "--augment light standard strong",
        ];
        Assert.Equal(rows, lines.Intersect(rows));
    }
}
