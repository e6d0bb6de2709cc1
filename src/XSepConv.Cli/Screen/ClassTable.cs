using Spectre.Console;
using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>How well a network does on each class: all of them where they are few, else those it does worst on.</summary>
internal static class ClassTable
{
    private const int MostRows = 20;
    private const int WorstRows = 10;

    public static void Write(IAnsiConsole console, ConfusionMatrix confusion, IReadOnlyList<string> names)
    {
        var there = Enumerable.Range(0, confusion.Classes).Where(label => confusion.ImagesOf(label) > 0).ToList();
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn(new TableColumn(new Text("class")));
        table.AddColumn(new TableColumn(new Text("images")) { Alignment = Justify.Right, NoWrap = true });
        table.AddColumn(new TableColumn(new Text("top-1")) { Alignment = Justify.Right, NoWrap = true });
        table.AddColumn(new TableColumn(new Text("taken for")));
        foreach (var label in there.Count <= MostRows ? there : [.. there.OrderBy(label => confusion.Top1Of(label)).Take(WorstRows)])
        {
            table.AddRow(
                new Text(DataTable.ShortName(names[label])),
                new Text($"{confusion.ImagesOf(label):N0}"),
                new Text($"{100 * confusion.Top1Of(label):0.00} %"),
                new Text(TakenFor(confusion, label, names)));
        }

        console.Write(table);
        if (there.Count > MostRows)
        {
            console.WriteLine($" The {WorstRows} of {there.Count:N0} classes that it does worst on; --json has all.");
        }
    }

    private static string TakenFor(ConfusionMatrix confusion, int label, IReadOnlyList<string> names)
    {
        var other = Mistake(confusion, label);
        var unanswered = confusion.UnansweredOf(label);
        if (unanswered > (other is null ? 0 : confusion[label, other.Value])) return $"no class {unanswered:N0}×";
        return other is null ? "" : $"{DataTable.ShortName(names[other.Value])} {confusion[label, other.Value]:N0}×";
    }

    /// <summary>What a class was taken for most often, besides itself.</summary>
    private static int? Mistake(ConfusionMatrix confusion, int label)
    {
        var others = Enumerable.Range(0, confusion.Classes).Where(predicted => predicted != label && confusion[label, predicted] > 0);
        return others.Cast<int?>().MaxBy(predicted => confusion[label, predicted!.Value]);
    }
}
