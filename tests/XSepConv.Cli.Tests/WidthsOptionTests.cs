using System.CommandLine;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Options;

namespace XSepConv.Cli.Tests;

/// <summary>The widths of a comparison.</summary>
public sealed class WidthsOptionTests
{
    [Fact]
    public void The_usual_one_stands_where_none_is_typed()
    {
        Assert.Equal([0.5], Widths());
        Assert.Equal([0.35, 1], Widths("--width", "0.35,1"));
        Assert.Equal([2], Widths("--widths", " 2 "));
        Assert.Contains("each width once", Assert.Throws<UserError>(() => Widths("--width", "1,1.0")).Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<double> Widths(params string[] line)
    {
        var option = new WidthsOption(8);
        return option.Of(new RootCommand { option.Option }.Parse(line), 0.5);
    }
}
