using XSepConv.Training;

namespace XSepConv.Cli.Screen;

/// <summary>A line an epoch, in columns: all of them where a terminal has 78, else those that matter most.</summary>
internal sealed class EpochLine
{
    private const int StarWidth = 2;

    // Rank 0 is always there; the highest rank goes first.
    private static readonly Column[] All =
    [
        new(" epoch", 0, epoch => $"{epoch.Epoch}"),
        new("  train loss", 1, epoch => $"{epoch.TrainLoss:0.0000}"),
        new("  top-1 %", 3, epoch => $"{100 * epoch.TrainTop1:0.00}"),
        new("   val loss", 0, epoch => $"{epoch.ValidationLoss:0.0000}"),
        new("  top-1 %", 0, epoch => $"{100 * epoch.ValidationTop1:0.00}"),
        new("     rate", 4, epoch => $"{epoch.LearningRate:0.00000}"),
        new("  images/s", 4, epoch => epoch.ImagesPerSecond is { } perSecond ? $"{perSecond:N0}" : "–"),
        new("     time", 2, epoch => epoch.Seconds is { } seconds ? Duration(TimeSpan.FromSeconds(seconds)) : "–"),
    ];

    private readonly Column[] columns;

    public EpochLine(int width)
    {
        var rank = All.Max(column => column.Rank);
        while (rank > 0 && Kept(rank).Sum(column => column.Header.Length) + StarWidth > width) rank--;
        columns = [.. Kept(rank)];
    }

    public string Header => string.Concat(columns.Select(column => column.Header));

    public string For(EpochResult epoch) =>
        string.Concat(columns.Select(column => column.Cell(epoch).PadLeft(column.Header.Length))) + (epoch.Best ? " *" : "");

    /// <summary>m:ss, or h:mm:ss.</summary>
    public static string Duration(TimeSpan time) => time.TotalHours >= 1
        ? $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}"
        : $"{time.Minutes}:{time.Seconds:00}";

    private static IEnumerable<Column> Kept(int rank) => All.Where(column => column.Rank <= rank);

    private sealed record Column(string Header, int Rank, Func<EpochResult, string> Cell);
}
