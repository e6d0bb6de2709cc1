using System.Collections.Immutable;

namespace XSepConv.Cli.Screen;

/// <summary>Draws padded maps in letters.</summary>
internal static class PlanDrawing
{
    private const int CellWidth = 12;
    private const int MostDrawn = 48;

    /// <summary>Rows of little maps: the content as blocks, the padding's zeros as dots, an arrow where the content moves.</summary>
    public static IEnumerable<string> Lines(ImmutableArray<PaddingDirection> plan, int width)
    {
        var across = Math.Max(1, (width - 2) / CellWidth);
        foreach (var row in plan.Take(MostDrawn).Select((direction, i) => (Layer: i + 1, Direction: direction)).Chunk(across))
        {
            yield return Join(row.Select(cell => $"{cell.Layer}"));
            for (var y = 0; y < 3; y++) yield return Join(row.Select(cell => Line(cell.Direction, y)));
            yield return "";
        }

        yield return "  ■ content   · zeros   → where the content moves";
        if (plan.Length > MostDrawn) yield return $"  (the first {MostDrawn} of {plan.Length} layers are drawn)";

        static string Join(IEnumerable<string> cells) => ("  " + string.Concat(cells.Select(cell => cell.PadRight(CellWidth)))).TrimEnd();
    }

    /// <summary>The argument of PyTorch's <c>F.pad</c>: left, right, top, bottom.</summary>
    public static string TorchPad(PaddingDirection direction) => direction switch
    {
        PaddingDirection.RightBottom => "(0,1,0,1)",
        PaddingDirection.LeftTop => "(1,0,1,0)",
        PaddingDirection.LeftBottom => "(1,0,0,1)",
        PaddingDirection.RightTop => "(0,1,1,0)",
        _ => "a quarter each",
    };

    /// <summary>Where the content goes, in words.</summary>
    public static string Movement(PaddingDirection direction)
    {
        var (x, y) = PaddingPlan.Shift(direction);
        return (x, y) == (0, 0) ? "nowhere in sum" : $"{direction.Arrow()} ½ {(x < 0 ? "left" : "right")}, ½ {(y < 0 ? "up" : "down")}";
    }

    /// <summary>A number of pixels, halves as ½.</summary>
    public static string Pixels(double pixels)
    {
        if (pixels == 0) return "0";
        var whole = Math.Truncate(Math.Abs(pixels));
        var half = Math.Abs(pixels) - whole == 0.5 ? "½" : "";
        var number = whole == 0 ? half : $"{whole}{half}";
        return (pixels < 0 ? "−" : "+") + number;
    }

    private static string Line(PaddingDirection direction, int y)
    {
        if (direction == PaddingDirection.Symmetric) return y switch { 0 => "  ↘ ↗", 1 => "   ·", _ => "  ↙ ↖" };
        var (shiftX, shiftY) = PaddingPlan.Shift(direction);
        var cells = Enumerable.Range(0, 3).Select(x => IsContent(x, shiftX) && IsContent(y, shiftY) ? "■" : "·");
        return string.Join(' ', cells) + (y == 1 ? "  " + direction.Arrow() : "");

        // Two of three rows hold content; what moves toward the start leaves the zeros at the end.
        static bool IsContent(int i, double shift) => shift < 0 ? i < 2 : i > 0;
    }
}
