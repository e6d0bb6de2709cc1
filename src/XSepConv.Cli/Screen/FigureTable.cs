using Spectre.Console;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Screen;

/// <summary>Named rows of figures side by side; one below the other where the terminal is too narrow for that.</summary>
internal static class FigureTable
{
    // One column of spaces on either side of a cell.
    private const int BesideCell = 2;

    public static void Write(
        IAnsiConsole console, IReadOnlyList<string> headers, IReadOnlyList<(string Name, IReadOnlyList<string> Cells)> rows)
    {
        var widest = headers.Select((header, i) => rows.Select(row => row.Cells[i].Length).Append(header.Length).Max()).ToArray();
        var names = rows.Max(row => row.Name.Length);
        if (names + widest.Sum() + (BesideCell * (widest.Length + 1)) > console.Profile.Width)
        {
            Below(console, headers, rows);
            return;
        }

        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn(new TableColumn("") { Padding = new Padding(0, 0, 1, 0) });
        foreach (var header in headers)
        {
            table.AddColumn(new TableColumn(new Text(header)) { Alignment = Justify.Right, Padding = new Padding(1, 0, 1, 0) });
        }

        foreach (var (name, cells) in rows) table.AddRow([.. cells.Prepend(name).Select(cell => new Text(cell))]);
        console.Write(table);
    }

    private static void Below(
        IAnsiConsole console, IReadOnlyList<string> headers, IReadOnlyList<(string Name, IReadOnlyList<string> Cells)> rows)
    {
        foreach (var (name, cells) in rows)
        {
            console.WriteLine(name);
            for (var i = 0; i < headers.Count; i++)
            {
                if (cells[i].Length == 0) continue;
                foreach (var line in Phrases.Lines(console.Profile.Width, $"  {headers[i]}: ", cells[i])) console.WriteLine(line);
            }
        }

        console.WriteLine();
    }
}
