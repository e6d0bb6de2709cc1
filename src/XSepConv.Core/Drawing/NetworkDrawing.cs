using System.Globalization;
using System.Text;

namespace XSepConv;

/// <summary>Draws a network as a picture of its blocks, grouped by the resolution of the maps that come in.</summary>
/// <remarks>
/// Of <see cref="PaddingStrategy.Improved"/> the one-sided paddings of a group are the ones whose shifts cancel among themselves
/// (<see cref="PaddingPlan.ForStages"/>).
/// </remarks>
public static class NetworkDrawing
{
    /// <summary>As a Mermaid flowchart, which GitHub and many Markdown viewers show.</summary>
    /// <param name="spec">The network; it is validated.</param>
    /// <param name="size">Height and width of the images in pixels; without it, resolutions are fractions of the image's.</param>
    /// <exception cref="ArgumentException">The network can't be built, or the size is below 1×1.</exception>
    public static string Mermaid(NetworkSpec spec, (int Height, int Width)? size = null)
    {
        var groups = DrawnGroup.Of(spec, size);
        var text = new StringBuilder("flowchart TB\n");
        foreach (var group in groups)
        {
            var indent = group.Title.Length > 0 ? "    " : "  ";
            if (group.Title.Length > 0) text.Append(CultureInfo.InvariantCulture, $"  subgraph {group.Id}[\"{group.Title}\"]\n");
            foreach (var box in group.Boxes)
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{indent}{box.Id}[\"{string.Join("<br/>", box.Lines.Select(Escape))}\"]:::{Class(box.Kind)}\n");
            }

            if (group.Title.Length > 0) text.Append("  end\n");
        }

        text.Append("  ").AppendJoin(" --> ", groups.SelectMany(group => group.Boxes).Select(box => box.Id)).Append('\n');
        foreach (var kind in Enum.GetValues<BoxKind>())
        {
            var (fill, line) = Colours(kind);
            text.Append(CultureInfo.InvariantCulture, $"  classDef {Class(kind)} fill:{fill},stroke:{line},color:#1f2328\n");
        }

        return text.ToString();

        static string Escape(string line) =>
            OnOneLine(line).Replace("&", "&amp;", StringComparison.Ordinal).Replace("\"", "&quot;", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
    }

    /// <summary>As a graph in the DOT language of Graphviz: <c>dot -Tsvg</c> makes a picture of it.</summary>
    /// <inheritdoc cref="Mermaid"/>
    public static string Dot(NetworkSpec spec, (int Height, int Width)? size = null)
    {
        var groups = DrawnGroup.Of(spec, size);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"digraph \"{Escape(spec.Name)}\" {{\n");
        text.Append("  graph [fontname=\"Helvetica\", color=\"#8c959f\", fontcolor=\"#57606a\"];\n");
        text.Append("  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11];\n");
        foreach (var group in groups)
        {
            var indent = group.Title.Length > 0 ? "    " : "  ";
            if (group.Title.Length > 0)
            {
                text.Append(
                    CultureInfo.InvariantCulture, $"  subgraph cluster_{group.Id} {{\n    label=\"{group.Title}\"; labeljust=\"l\";\n");
            }

            foreach (var box in group.Boxes)
            {
                var (fill, line) = Colours(box.Kind);
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{indent}{box.Id} [label=\"{string.Join("\\n", box.Lines.Select(Escape))}\", fillcolor=\"{fill}\", "
                    + $"color=\"{line}\"];\n");
            }

            if (group.Title.Length > 0) text.Append("  }\n");
        }

        text.Append("  ").AppendJoin(" -> ", groups.SelectMany(group => group.Boxes).Select(box => box.Id)).Append(";\n}\n");
        return text.ToString();

        static string Escape(string line) =>
            OnOneLine(line).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
    }

    // A line end in a network's name would end the drawing.
    private static string OnOneLine(string text) => new([.. text.Select(letter => char.IsControl(letter) ? ' ' : letter)]);

    private static string Class(BoxKind kind) => kind switch { BoxKind.XSep => "xsep", BoxKind.Dw => "dw", _ => "other" };

    private static (string Fill, string Line) Colours(BoxKind kind) => kind switch
    {
        BoxKind.XSep => ("#ffe8cc", "#d9730d"),
        BoxKind.Dw => ("#d7ebff", "#2f6fb5"),
        _ => ("#eceff2", "#8c959f"),
    };
}
