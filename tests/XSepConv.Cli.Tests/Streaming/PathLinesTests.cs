using System.Text;
using XSepConv.Cli.Commands;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Tests;

public sealed class PathLinesTests
{
    [Fact]
    public void Lines_that_came_together_are_given_together_and_no_more_is_read()
    {
        using var stream = new Chunks("a\nb\nc", "d\ne", "", "unread\n");
        var lines = new PathLines(stream);

        Assert.Equal(["a", "b"], Paths(lines.Next(32, CancellationToken.None)));
        Assert.Equal(1, stream.Reads);
        Assert.Equal(["cd"], Paths(lines.Next(32, CancellationToken.None)));
        Assert.Equal(2, stream.Reads);
        Assert.Equal(["e"], Paths(lines.Next(32, CancellationToken.None)));
        Assert.Empty(lines.Next(32, CancellationToken.None));
        Assert.Equal(3, stream.Reads);
    }

    [Fact]
    public void No_more_lines_are_given_than_are_asked_for()
    {
        using var stream = new Chunks("a\nb\nc\n");
        var lines = new PathLines(stream);

        Assert.Equal(["a", "b"], Paths(lines.Next(2, CancellationToken.None)));
        Assert.Equal(["c"], Paths(lines.Next(2, CancellationToken.None)));
        Assert.Equal(1, stream.Reads);
    }

    [Fact]
    public void A_read_asks_for_no_more_than_the_look_ahead()
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("picture.png\n", 10_000))));
        var lines = new PathLines(stream);
        long given = 0;
        while (lines.Next(32, CancellationToken.None) is { Count: > 0 } some)
        {
            Assert.InRange(some.Count, 1, 32);
            Assert.InRange(stream.Position - given, 1, PathLines.ReadSize + 12);
            given += 12 * some.Count;
        }

        Assert.Equal(stream.Length, given);
    }

    [Theory]
    [InlineData("a b.png\r\n", "a b.png")]
    [InlineData(" a\tb \n", " a\tb ")]
    [InlineData("a\rb\n", "a\rb")]
    [InlineData("last", "last")]
    [InlineData("last\r", "last")]
    [InlineData("größer 日本 😀.png\n", "größer 日本 😀.png")]
    [InlineData("\uFEFFa.png\n\uFEFFb.png\n", "a.png", "\uFEFFb.png")]
    [InlineData("\u001b[2J\n", "\u001b[2J")]
    public void A_line_is_a_path_but_for_its_end_and_the_mark_that_some_editors_begin_with(string text, params string[] expected)
    {
        var lines = All(Encoding.UTF8.GetBytes(text));

        Assert.Equal(expected, lines.Select(line => line.Path));
        Assert.All(lines, line => Assert.Null(line.Error));
    }

    [Theory]
    [InlineData("", "line 2 is empty")]
    [InlineData("\r", "line 2 is empty")]
    [InlineData(" \t", "line 2 is empty")]
    [InlineData("a\0b", "a\0b: has a zero byte")]
    [InlineData("caf\xE9.png", "caf\uFFFD.png: has a name that is not UTF-8")]
    [InlineData("\xC0\xAF", "\uFFFD\uFFFD: has a name that is not UTF-8")]
    [InlineData("\xED\xA0\xBD", "\uFFFD\uFFFD\uFFFD: has a name that is not UTF-8")]
    public void What_is_no_path_is_said_and_the_lines_around_it_are_paths(string line, string expected)
    {
        var lines = All(Encoding.Latin1.GetBytes($"before\n{line}\nafter\n"));

        Assert.Equal(["before", "after"], Paths([lines[0], lines[2]]));
        Assert.StartsWith(expected, lines[1].Error, StringComparison.Ordinal);
        Assert.Equal(3, lines.Count);
    }

    [Theory]
    [InlineData(PathLines.LongestLine, "\n", true)]
    [InlineData(PathLines.LongestLine, "\r\n", true)]
    [InlineData(PathLines.LongestLine + 1, "\n", false)]
    [InlineData(PathLines.LongestLine + 1, "\r\n", false)]
    [InlineData(10_000_000, "\n", false)]
    [InlineData(10_000_000, "", false)]
    public void A_line_has_an_end(int length, string end, bool taken)
    {
        var lines = All(Encoding.UTF8.GetBytes($"{new string('x', length)}{end}{(end.Length > 0 ? "after\n" : "")}"));

        Assert.Equal(taken, lines[0].Error is null);
        Assert.Equal(taken ? new string('x', length) : $"{new string('x', 200)}…", lines[0].Path);
        if (!taken) Assert.Equal("line 1 has more than 65536 bytes; no path is that long.", lines[0].Error);
        Assert.Equal(end.Length > 0 ? ["after"] : [], Paths(lines.Skip(1)));
    }

    [Fact]
    public void A_stream_that_cant_be_read_is_an_error_of_the_command()
    {
        using var stream = new Broken();
        var error = Assert.Throws<UserError>(() => new PathLines(stream).Next(1, CancellationToken.None));
        Assert.Equal("Standard input can't be read: It is gone.", error.Message);
    }

    private static IEnumerable<string> Paths(IEnumerable<PathLine> lines) => lines.Select(line =>
    {
        Assert.Null(line.Error);
        return line.Path;
    });

    private static List<PathLine> All(byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        var lines = new PathLines(stream);
        List<PathLine> all = [];
        while (lines.Next(32, CancellationToken.None) is { Count: > 0 } some) all.AddRange(some);
        return all;
    }

    /// <summary>A pipe into which somebody writes now and then; an empty text is its end.</summary>
    private sealed class Chunks(params string[] chunks) : OneWayStream(reads: true)
    {
        public int Reads { get; private set; }

        public override int Read(Span<byte> buffer) => Encoding.UTF8.GetBytes(chunks[Reads++], buffer);
    }

    private sealed class Broken() : OneWayStream(reads: true)
    {
        public override int Read(Span<byte> buffer) => throw new IOException("It is gone.");
    }
}
