using Spectre.Console;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>
/// What a network is going to learn: images of each class by split, what was left out and why. Readable from 40 columns on.
/// </summary>
internal static class DataTable
{
    private const int MostRows = 14;
    private const int FirstRows = 8;
    private const int LastRows = 3;
    private const int LongestName = 24;
    private const int ShortestName = 8;

    // Three columns of seven figures and what lies between.
    private const int Figures = 34;

    public static void Write(IAnsiConsole console, IReadOnlyList<ClassCount> classes, DatasetFindings findings)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn(new TableColumn(new Text("class")));
        foreach (var split in new[] { "train", "val", "test" })
        {
            table.AddColumn(new TableColumn(new Text(split)) { Alignment = Justify.Right, NoWrap = true });
        }

        if (classes.Count <= MostRows)
        {
            foreach (var one in classes) Row(one);
        }
        else
        {
            var (first, hidden, last) = (
                classes.Take(FirstRows), classes.Skip(FirstRows).SkipLast(LastRows).ToList(), classes.TakeLast(LastRows));
            foreach (var one in first) Row(one);
            table.AddRow(Cells($"… {hidden.Count:N0}", hidden));
            foreach (var one in last) Row(one);
        }

        table.AddRow(Cells($"all {classes.Count:N0}", classes));
        console.Write(table);
        Write(console, findings);

        void Row(ClassCount one)
        {
            var most = Math.Clamp(console.Profile.Width - Figures, ShortestName, LongestName);
            table.AddRow(Cells(ShortName(one.Name, most), [one]));
        }
    }

    /// <summary>What was left out and why, and what the user ought to know.</summary>
    public static void Write(IAnsiConsole console, DatasetFindings findings)
    {
        foreach (var files in findings.LeftOut) console.WriteLine(Printable.Line($" left out: {files}"));
        if (findings.Skipped.Count > 0)
        {
            var named = findings.Skipped.Take(LeftOutFiles.MostExamples).Select(file => $"{file.Name} {file.Reason.TrimEnd('.')}");
            var more = findings.Skipped.Count > LeftOutFiles.MostExamples ? ", …" : "";
            console.WriteLine(
                Printable.Line($" left out: {findings.Skipped.Count:N0} × picture that can't be read: {string.Join(", ", named)}{more}"));
        }

        foreach (var warning in findings.Warnings) console.WriteLine(Printable.Line($" note: {warning}"));
    }

    public static object Report(DatasetFindings findings) => new
    {
        findings.LeftOut,
        skipped = findings.Skipped,
        notes = findings.Warnings,
    };

    public static string ShortName(string name, int most = LongestName) =>
        Printable.Line(name) is var line && line.Length <= most ? line : line[..(most - 1)] + "…";

    private static IEnumerable<Text> Cells(string name, IReadOnlyCollection<ClassCount> classes) =>
    [
        new(name),
        new($"{classes.Sum(one => one.Train):N0}"),
        new($"{classes.Sum(one => one.Validation):N0}"),
        new($"{classes.Sum(one => one.Test):N0}"),
    ];
}
