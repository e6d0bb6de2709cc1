using System.Text;
using System.Text.RegularExpressions;
using Spectre.Console;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Tests;

/// <summary>From 40 columns on nothing is wider than the terminal, and no figure is broken.</summary>
public sealed partial class ScreenWidthTests
{
    public static TheoryData<int> Widths => [40, 48, 55, 56, 60, 79, 80, 100, 120];

    [Theory]
    [MemberData(nameof(Widths))]
    public void A_bar_is_one_line_with_percentage_and_remaining_time(int width)
    {
        var (console, written) = Console(width);
        string[] names = ["epoch 12345/100000", "12/1000 depthwise-k11-and-a-long-name seed 999", "validating"];
        LiveBars.On(console).AutoRefresh(false).Start(context =>
        {
            foreach (var name in names)
            {
                var task = context.AddTask(name, maxValue: 100);
                task.Value = 42;
                task.Tag = SpeedColumn.Text(new(1, 2, 3, 4, 12.3456, 123_456, 0.1, "train", null), TimeSpan.FromSeconds(45_296));
            }

            context.Refresh();
        });

        var lines = Lines(written);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
        var drawn = lines.Where(line => line.Contains("42%", StringComparison.Ordinal)).ToList();

        // Each time it is drawn.
        Assert.True(drawn.Count >= names.Length && drawn.Count % names.Length == 0, string.Join('\n', lines));
        Assert.All(drawn, line => Assert.EndsWith("12:34:56", line.TrimEnd(), StringComparison.Ordinal));
        Assert.All(drawn,
            line => Assert.Equal(width >= 80, line.Contains("123,456 images/s  loss 12.346  ETA 12:34:56", StringComparison.Ordinal)));
        Assert.All(drawn.Zip(names),
            pair => Assert.StartsWith(pair.Second[..Math.Min(12, pair.Second.Length)], pair.First.TrimStart(), StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void An_epoch_is_one_line_whose_figures_stand_below_their_names(int width)
    {
        var lines = new EpochLine(width);
        var line = lines.For(new(123_456, 12.3456, 0.123, 10.9876, 1, 0.12345, true, 45_296, 12_345.6));

        Assert.InRange(line.Length, lines.Header.Length, width);
        Assert.StartsWith("123456", line, StringComparison.Ordinal);
        foreach (var figure in width >= 80 ? ["12.3456", "12.30", "10.9876", "100.00", "0.12345", "12,346", "12:34:56", "*"]
            : new[] { "10.9876", "100.00", "*" })
        {
            Assert.Contains($" {figure}", line, StringComparison.Ordinal);
        }

        // A figure ends where its name ends.
        foreach (Match name in Name().Matches(lines.Header))
        {
            Assert.True(name.Index + name.Length == line.Length || line[name.Index + name.Length] == ' ', $"{lines.Header}\n{line}");
        }
    }

    /// <summary>80 columns and more show what they always did.</summary>
    [Fact]
    public void Eighty_columns_have_all_of_an_epoch()
    {
        Assert.Equal(" epoch  train loss  top-1 %   val loss  top-1 %     rate  images/s     time", new EpochLine(80).Header);
        Assert.Equal("     7      1.2346    51.00     2.3457    49.00  0.02000     1,234     1:05 *",
            new EpochLine(80).For(new(7, 1.23456, 0.51, 2.34567, 0.49, 0.02, true, 65, 1_234)));
        Assert.Equal("epoch  train loss  val loss  top-1 %".Replace(" ", "", StringComparison.Ordinal),
            new EpochLine(40).Header.Replace(" ", "", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void A_comparisons_figures_fit(int width)
    {
        var (console, written) = Console(width);
        string[] figures = ["12.34 ± 10.56 %", "1.234 ± 0.567", "12,345,678", "58,004,384", "123.456 ms", "+1.5, −0.5 px", "1,234 MB"];
        string[] headers = ["XSepConv K=11", "depthwise twin K=11", "ratio"];
        FigureTable.Write(console, headers,
            [.. figures.Select((figure, i) => ($"row {i} of test images", (IReadOnlyList<string>)[figure, figure, "0.99×"]))]);
        foreach (
            var line in RunLine.For(width, 99, 100, new(new("depthwise-k11", "depthwise twin K=11", "", MobileNetV3SmallSpec.XSep(), null),
            49), new(123, new(0.98765, 1, 10), [], [], []), 12_345.6))
        {
            console.WriteLine(line);
        }

        var lines = Lines(written);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
        foreach (var figure in figures) Assert.Equal(2, lines.Sum(line => line.Split(figure).Length - 1));
        foreach (var phrase in new[] { "test top-1 98.77 %", "best epoch 123", "seed 49", "run 99/100", "12,346 images/s" })
        {
            Assert.Contains(lines, line => line.Contains(phrase, StringComparison.Ordinal));
        }
    }

    /// <summary>Where nobody watches there are neither colours nor movements, whatever the terminal's name says.</summary>
    [Fact]
    public void A_pipe_gets_text_alone()
    {
        using var writer = new StringWriter();
        var console = Consoles.For(new PrintableWriter(writer));
        Assert.False(Consoles.IsLive(console));
        Facts.Write(console, ("name", "value"));
        console.Write(new Markup("[red]red[/]"));
        Assert.DoesNotContain('\u001b', writer.ToString());
        Assert.Equal(120, console.Profile.Width);
    }

    private static (IAnsiConsole Console, StringBuilder Written) Console(int width)
    {
        var written = new StringBuilder();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
            Out = new Terminal(width, new StringWriter(written)),
        });
        return (console, written);
    }

    /// <summary>What was drawn, without the movements between.</summary>
    private static List<string> Lines(StringBuilder written) =>
        [.. Movement().Replace(written.ToString(), "\n").Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries)];

    [GeneratedRegex("\u001b\\[[0-9;?]*[A-Za-z]")]
    private static partial Regex Movement();

    [GeneratedRegex(@"\S+( \S+)*")]
    private static partial Regex Name();

    private sealed class Terminal(int width, TextWriter writer) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;

        public bool IsTerminal => true;

        public int Width => width;

        public int Height => 50;

        public void SetEncoding(Encoding encoding)
        {
        }
    }
}
