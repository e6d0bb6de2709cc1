using Spectre.Console;

namespace XSepConv.Cli.Terminal;

/// <summary>Spectre consoles over the tool's own writers.</summary>
internal static class Consoles
{
    // Where there is no terminal to ask (a pipe, a file), wide enough that no table wraps.
    private const int PipeWidth = 120;

    public static IAnsiConsole For(TextWriter writer)
    {
        var output = Output(writer);
        var settings = new AnsiConsoleSettings { Out = output };
        if (!output.IsTerminal) (settings.Ansi, settings.ColorSystem) = (AnsiSupport.No, ColorSystemSupport.NoColors);
        var console = AnsiConsole.Create(settings);
        if (!output.IsTerminal) console.Profile.Width = PipeWidth;
        console.Pipeline.Attach(new PrintableHook());
        return console;
    }

    public static bool IsTerminal(TextWriter writer) => Output(writer).IsTerminal;

    /// <summary>Written past Spectre, which would break a long line where it can't be copied.</summary>
    public static void Typed(IAnsiConsole console, string line) => console.Profile.Out.Writer.WriteLine(Printable.Line(line));

    /// <summary>A line above bars that are drawn: Spectre writes over their first line without clearing it.</summary>
    public static void WriteAboveBars(IAnsiConsole console, string line) => console.WriteLine(line.PadRight(console.Profile.Width));

    /// <summary>Whether a person watches: a bar can be drawn over and over.</summary>
    public static bool IsLive(IAnsiConsole console) =>
        console.Profile.Out.IsTerminal && console.Profile.Capabilities is { Ansi: true, Interactive: true };

    private static AnsiConsoleOutput Output(TextWriter writer) => new(writer is PrintableWriter printable ? printable.Inner : writer);
}
