using System.Globalization;
using Spectre.Console;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Screen;

/// <summary>A network's profile as a table: a row a block, or a row a layer.</summary>
internal static class ProfileTable
{
    public static void Write(IAnsiConsole console, NetworkSpec spec, string preset, ModelProfile profile, bool everyLayer)
    {
        var table = new Table { Border = TableBorder.Simple, ShowFooters = true };
        Column("part", "total");
        Column("kind", "");
        Column("output", "", right: true);
        Column("parameters", Number(profile.Parameters), right: true);
        Column("MACs", Number(profile.Macs), right: true);
        var padded = profile.Layers.Any(layer => layer.Padding is not null);
        if (padded) Column("padding", "");
        foreach (var part in profile.Layers.GroupBy(layer => Part(layer.Name)))
        {
            if (everyLayer)
            {
                foreach (var layer in part) Row(layer.Name, layer.Kind, layer.Output, layer.Parameters, layer.Macs, layer.Padding);
            }
            else
            {
                var padding = part.Select(layer => layer.Padding).FirstOrDefault(padding => padding is not null);
                var (parameters, macs) = (part.Sum(layer => layer.Parameters), part.Sum(layer => layer.Macs));
                Row(part.Key, Kind(spec, part.Key, part.First()), MapOf(part).Output, parameters, macs, padding);
            }
        }

        console.WriteLine();
        var size = string.Join('×', profile.Input.Skip(1));
        console.WriteLine($"{Printable.Line(spec.Name)}, {preset} preset, {Number(spec.NumClasses)} classes, one image of {size}");
        console.Write(table);

        void Column(string header, string footer, bool right = false) => table.AddColumn(ProfileTable.Column(header, footer, right, true));

        void Row(string name, string kind, IReadOnlyList<long> output, long parameters, long macs, PaddingDirection? padding)
        {
            string[] cells = [name, kind, string.Join('×', output.Skip(1)), Number(parameters), Number(macs), $"{padding}"];
            table.AddRow(cells.Take(padded ? 6 : 5).Select(cell => new Text(cell)));
        }
    }

    /// <summary>A column that leaves room for five others in 80.</summary>
    public static TableColumn Column(string header, string footer, bool right, bool whole) => new(new Text(header))
    {
        NoWrap = whole,
        Padding = new Padding(0, 0, 1, 0),
        Alignment = right ? Justify.Right : Justify.Left,
        Footer = new Text(footer),
    };

    public static string Number(long number) => $"{number:N0}";

    /// <summary>The map that a part hands on: that of its last layer outside squeeze-excite and shortcut.</summary>
    private static LayerProfile MapOf(IEnumerable<LayerProfile> part) =>
        part.Last(layer =>
            !layer.Name.Contains(".se.", StringComparison.Ordinal) && !layer.Name.Contains(".shortcut.", StringComparison.Ordinal));

    private static string Part(string layer)
    {
        var path = layer.Split('.');
        return path[0] switch
        {
            "bneck" => $"bneck.{path[1]}",
            "conv1" or "bn1" => "stem",
            "conv2" or "bn2" => "last",
            "linear3" or "bn3" => "hidden",
            "linear4" => "classifier",
            _ => path[0],
        };
    }

    private static string Kind(NetworkSpec spec, string part, LayerProfile first)
    {
        if (part == "stem") return $"{first.Kind}{Stride(spec.StemStride)}";
        if (!part.StartsWith("bneck.", StringComparison.Ordinal)) return first.Kind;
        var block = spec.Blocks[int.Parse(part["bneck.".Length..], CultureInfo.InvariantCulture)];
        return $"{block.Kind} {block.Kernel}{(block.SqueezeExcite == SqueezeExcite.None ? "" : " SE")}{Stride(block.Stride)}";

        static string Stride(int stride) => stride == 1 ? "" : $" /{stride}";
    }
}
