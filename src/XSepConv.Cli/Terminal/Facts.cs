using Spectre.Console;

namespace XSepConv.Cli.Terminal;

/// <summary>A few named facts, a line or more each.</summary>
internal static class Facts
{
    public static void Write(IAnsiConsole console, params IEnumerable<(string Name, string Text)> facts)
    {
        var grid = new Grid();
        grid.AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(1, 0, 2, 0) });
        grid.AddColumn(new GridColumn { Padding = new Padding(0, 0, 0, 0) });
        foreach (var (name, text) in facts)
        {
            grid.AddRow(new Text(name, new Style(decoration: Decoration.Dim)), new Text(Printable.Line(text)));
        }

        console.Write(grid);
    }
}
