using Spectre.Console;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Screen;

/// <summary>The likeliest classes of images as a table, a row a class.</summary>
internal static class PredictionTable
{
    public static void Write(IAnsiConsole console, IEnumerable<(string File, Prediction[] Top)> answers)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn(new TableColumn(new Text("image")));
        table.AddColumn(new TableColumn(new Text("class")));
        table.AddColumn(new TableColumn(new Text("probability")) { Alignment = Justify.Right, NoWrap = true });
        foreach (var (file, top) in answers)
        {
            for (var i = 0; i < top.Length; i++)
            {
                var probability = $"{100 * top[i].Probability:0.00} %";
                table.AddRow(new Text(i == 0 ? Printable.Line(file) : ""), new Text(Printable.Line(top[i].Name ?? $"{top[i].Class}")),
                    new Text(probability));
            }
        }

        if (table.Rows.Count > 0) console.Write(table);
    }
}
