using System.CommandLine;

namespace XSepConv.Cli.Tests;

/// <summary>
/// Every option of every command, with what people and scripts type by mistake: what is refused names the option and its value, and nothing
/// is done.
/// </summary>
public sealed class OddValueTests
{
    private static readonly string[] Wrong = ["", " ", "NaN", "1e999", "--", "-", "x y", "0x10", "\u0661", new string('9', 100_000),
        new string('y', 100_000)];

    // What names a file may be called almost anything.
    private static readonly string[] WrongPaths = ["", " ", "\t"];

    public static TheoryData<string, string> Options =>
        [.. Tool.Root().Subcommands.SelectMany(
            command => command.Options.Where(TakesValue).Select(option => new TheoryDataRow<string, string>(command.Name, option.Name)))];

    [Theory]
    [MemberData(nameof(Options))]
    public void A_wrong_value_is_refused_by_name(string command, string option)
    {
        var isPath = Find(command, option).HelpName is "FILE" or "DIR";
        foreach (var value in isPath ? WrongPaths : Wrong)
        {
            string[] typed = value.StartsWith('-') ? [$"{option}={value}"] : [option, value];
            var line = Here.Refusal([command, .. Needed(command, option), .. typed]);
            Assert.True(line.StartsWith($"xsepconv {command}: {option} is '", StringComparison.Ordinal),
                $"{value[..Math.Min(20, value.Length)]}: {line[..Math.Min(300, line.Length)]}");
            Assert.InRange(line.Length, 1, 1_000);
        }
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void A_value_given_twice_or_not_at_all_is_refused_by_name(string command, string option)
    {
        Assert.Contains(option, Here.Refusal([command, .. Needed(command, option), option, "1", option, "2"]), StringComparison.Ordinal);
        Assert.Contains(option, Here.Refusal([command, .. Needed(command, option), option]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("IMAGE is ''", "predict", "--checkpoint", "none", "")]
    [InlineData("IMAGE is ''", "predict", "--checkpoint", "none", "a.png", " ")]
    [InlineData("The number of layers is ''", "plan", "")]
    [InlineData("The number of layers is 'NaN'", "plan", "NaN")]
    [InlineData("There is no command ''", "")]
    [InlineData("There is no argument 'x'", "summary", "x")]
    [InlineData("There is no argument ''", "summary", "")]
    public void A_wrong_argument_is_refused_by_name(string expected, params string[] args) =>
        Assert.Contains(expected, Here.Refusal(args), StringComparison.Ordinal);

    [Fact]
    public void A_file_whose_name_is_no_utf8_is_no_crash()
    {
        // What .NET makes of such bytes.
        Assert.Contains(
            "There is no file", Here.Refusal("predict", "--checkpoint", "a\ufffdb.safetensors", "x.png"), StringComparison.Ordinal);
        Assert.Contains(
            "There is no file", Here.Refusal("predict", "--checkpoint", "a\ud83db.safetensors", "x.png"), StringComparison.Ordinal);
    }

    private static bool TakesValue(Option option) => option.Arity.MaximumNumberOfValues > 0;

    private static Option Find(string command, string option) =>
        Tool.Root().Subcommands.Single(one => one.Name == command).Options.Single(one => one.Name == option);

    /// <summary>What the command asks for besides.</summary>
    private static string[] Needed(string command, string option)
    {
        (string Name, string Value)[] needed = command switch
        {
            "export" when option == "--dtype" =>
                [("--checkpoint", "none.safetensors"), ("--out", "none.safetensors"), ("--format", "safetensors")],
            "predict" or "evaluate" => [("--checkpoint", "none.safetensors")],
            "export" => [("--checkpoint", "none.safetensors"), ("--out", "none.onnx")],
            "convert" when option is "--data-root" or "--image-size" or "--background" or "--layout" or "--limit" or "--steps" =>
                [("--checkpoint", "none.safetensors"), ("--out", "new.safetensors"), ("--fit", "folder")],
            "convert" => [("--checkpoint", "none.safetensors"), ("--out", "new.safetensors")],
            "import" => [("--from", "torchvision"), ("--model", "mobilenet_v2"), ("--out", "new.safetensors")],
            _ => [],
        };
        string[] arguments = command switch { "predict" => ["none.png"], "import" => ["none.safetensors"], _ => [] };
        return [.. arguments, .. needed.Where(one => one.Name != option).SelectMany(one => new[] { one.Name, one.Value })];
    }
}
