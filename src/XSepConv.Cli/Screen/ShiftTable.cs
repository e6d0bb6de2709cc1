using Spectre.Console;
using XSepConv.Cli.Profiling;

namespace XSepConv.Cli.Screen;

/// <summary>Top-1 by how far the images are moved, and to which side.</summary>
internal static class ShiftTable
{
    public static void Write(IAnsiConsole console, double unmoved, IReadOnlyList<ShiftedImages> shifted)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var name in new[] { "moved by", "right", "left", "down", "up", "mean" })
        {
            table.AddColumn(new TableColumn(new Text(name)) { Alignment = Justify.Right, NoWrap = true });
        }

        AddRow(new(0, unmoved, unmoved, unmoved, unmoved));
        foreach (var row in shifted) AddRow(row);
        console.Write(table);

        void AddRow(ShiftedImages row)
        {
            double[] sides = [row.Right, row.Left, row.Down, row.Up];
            table.AddRow([new Text($"{row.Pixels} px"), .. sides.Append(sides.Average()).Select(top1 => new Text($"{100 * top1:0.00} %"))]);
        }
    }
}
