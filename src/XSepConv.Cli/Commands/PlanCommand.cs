using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Options;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv plan</c>: which way each 2×2 layer pads, and that nothing is left of the shifts.</summary>
internal static class PlanCommand
{
    private const int MostLayers = 65_536;

    // The 2×2 layers of stage s run at stride 2^s, which must fit.
    private const int MostStages = 24;

    public static Command Create()
    {
        var layers = new Argument<int?>("layers")
        {
            Description = "How many 2×2 depthwise layers the network has, all at one resolution.",
            Arity = ArgumentArity.ZeroOrOne,
            CustomParser = argument =>
            {
                var text = argument.Tokens[0].Value;
                if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count)
                    && count is >= 1 and <= MostLayers)
                {
                    return count;
                }

                argument.AddError(
                    $"The number of layers is '{CheckedOption.Shorten(text)}': it must be a whole number from 1 to {MostLayers}.");
                return null;
            },
        };
        var stages = CheckedOption.Wholes(
            "--stages", "N,N,…", MostStages,
            "How many layers run at each resolution instead, each half the one before; shifts cancel within each, "
                + "as the networks here do it.",
            $"each stage has from 0 to {MostLayers} layers", count => count is >= 0 and <= MostLayers);
        var checkpoint = new CheckpointOption("The layers of the network in a checkpoint instead, padded as it is.", required: false);
        var json = CheckedOption.Flag("--json", "Print one line of JSON.");
        var command = new ToolCommand("plan", "Show which way each 2×2 layer pads so that the half-pixel shifts cancel.")
        {
            Examples =
            [
                "xsepconv plan 6                    six 2×2 layers at one resolution",
                "xsepconv plan --stages 4,2 --json  four, then two at half the resolution, as JSON",
                "xsepconv plan --checkpoint best.safetensors",
            ],
        };
        command.Add(layers);
        command.Add("Options", [stages, checkpoint.Option, json]);
        command.Validators.Add(result =>
        {
            var hasLayers = result.GetResult(layers) is { Tokens.Count: > 0 };
            if (new[] { hasLayers, result.IsTyped(stages), result.IsTyped(checkpoint.Option) }.Count(given => given) != 1)
            {
                result.AddError("Give either the number of layers, --stages, or --checkpoint.");
            }
        });
        command.SetAction(result =>
        {
            var (counts, plan, strides) = checkpoint.Path(result) is { } path
                ? Of(path)
                : OfStages(result.GetValue(layers) is { } count ? [count] : result.GetValue(stages)!);
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(json)) WriteJson(output, plan, strides);
            else WriteTable(Consoles.For(output), counts, plan, strides);
        });
        return command;
    }

    private static (int[] Counts, ImmutableArray<PaddingDirection> Plan, int[] Strides) OfStages(int[] counts) => (
        counts, PaddingPlan.ForStages(counts), [.. counts.SelectMany((inStage, stage) => Enumerable.Repeat(1 << stage, inStage))]);

    private static (int[] Counts, ImmutableArray<PaddingDirection> Plan, int[] Strides) Of(string path)
    {
        var spec = CompiledModel.Load(path).Spec;
        var layers = spec.Paddings().Zip(spec.InputStrides()).Where(layer => layer.First is not null).ToList();
        if (layers.Count == 0) throw new UserError($"{path} has no 2×2 layer: there is no XSepConv in {spec.Name}.");
        int[] counts = [.. layers.GroupBy(layer => layer.Second).Select(stage => stage.Count())];
        return (counts, [.. layers.Select(layer => layer.First!.Value)], [.. layers.Select(layer => layer.Second)]);
    }

    private static void WriteJson(TextWriter output, ImmutableArray<PaddingDirection> plan, int[] strides)
    {
        var (x, y) = PaddingPlan.ResidualShift(plan.AsSpan(), strides);
        JsonLine.Write(output, new { layers = plan.Select(direction => direction.ToString()), residualShift = new[] { x, y } });
    }

    private static void WriteTable(IAnsiConsole console, int[] counts, ImmutableArray<PaddingDirection> plan, int[] strides)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var header in new[] { "layer", "stride", "padding", "F.pad", "content moves", "by now" })
        {
            table.AddColumn(
                new TableColumn(header) { NoWrap = true, Alignment = header is "layer" or "stride" ? Justify.Right : Justify.Left });
        }

        // Halves of whole numbers, which a double sums exactly.
        var (x, y) = (0d, 0d);
        for (var i = 0; i < plan.Length; i++)
        {
            var (layerX, layerY) = PaddingPlan.ResidualShift(plan.AsSpan(i, 1), strides.AsSpan(i, 1));
            (x, y) = (x + layerX, y + layerY);
            if (i > 0 && strides[i] != strides[i - 1]) table.AddEmptyRow();
            table.AddRow(
                Text($"{i + 1}"), Text($"{strides[i]}"), Text($"{plan[i]}"), Text(PlanDrawing.TorchPad(plan[i])),
                Text(PlanDrawing.Movement(plan[i])), Text($"{PlanDrawing.Pixels(x)}, {PlanDrawing.Pixels(y)}"));
        }

        console.WriteLine();
        var where = counts.Length == 1 ? "" : $" in {Count(counts.Length, "stage")} of {string.Join(" + ", counts)}";
        console.WriteLine($"{Count(plan.Length, "2×2 layer")}{where}, one-sided padding of one row and one column");
        console.Write(table);
        foreach (var line in PlanDrawing.Lines(plan, console.Profile.Width)) console.WriteLine(line);
        console.WriteLine($"left over: {PlanDrawing.Pixels(x)} across, {PlanDrawing.Pixels(y)} down, in pixels at stride 1");

        static Text Text(string text) => new(text);
        static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
    }
}
