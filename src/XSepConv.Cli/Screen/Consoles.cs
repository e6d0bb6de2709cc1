using Spectre.Console;

namespace XSepConv.Cli.Screen;

/// <summary>Spectre consoles over the tool's own writers.</summary>
internal static class Consoles
{
    // Where there is no terminal to ask (a pipe, a file), wide enough that no table wraps.
    private const int PipeWidth = 120;

    public static IAnsiConsole For(TextWriter writer)
    {
        var output = new AnsiConsoleOutput(writer);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = output });
        if (!output.IsTerminal) console.Profile.Width = PipeWidth;
        return console;
    }

    /// <summary>Whether a person watches: a bar can be drawn over and over.</summary>
    public static bool IsLive(IAnsiConsole console) => console.Profile.Out.IsTerminal && console.Profile.Capabilities is { Ansi: true, Interactive: true };
}
