using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Options;
using XSepConv.Cli.Profiling;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv summary</c>: parameters and MACs of a network, layer by layer.</summary>
internal static class SummaryCommand
{
    public static Command Create()
    {
        var network = new NetworkOptions();
        var classes = CheckedOption.Whole("--classes", 1, 100_000, 1000, "How many classes the network tells apart.");
        var size = new ImageSizeOption(
            "One image's channels, height and width; 3 channels where two numbers or one are given. Default: 3x224x224, "
                + "with --preset cifar 3x32x32.",
            withChannels: true);
        var layers = CheckedOption.Flag("--layers", "List every layer of a block in the table.");
        var json = CheckedOption.Flag("--json", "Print one line of JSON, every layer in it.");
        var command = new ToolCommand("summary", "Count a network's parameters and multiply-accumulates (MACs).")
        {
            Examples =
            [
                "xsepconv summary                                    the paper's network at 3×224×224",
                "xsepconv summary --network mobilenet-v3-small-twin  its depthwise twin, for comparison",
                "xsepconv summary --image-size 32 --classes 10 --kernels 7",
                "xsepconv summary --kernels 31,29,27,13              large kernels, one for each stage",
                "xsepconv summary --width 0.5 --image-size 3x160x160 --json",
            ],
        };
        command.Add("Network", [.. network.All, classes, size.Option]);
        command.Add("Output", [layers, json]);
        command.SetAction(result =>
        {
            var given = size.Size(result);
            var preset = PresetOption.NameOf(network.Preset(result, given));
            var spec = network.Spec(result, size.Channels(result) ?? 3, result.GetValue(classes), given);
            var (height, width) = given ?? (spec.DefaultImageSize, spec.DefaultImageSize);
            var profile = LayerCounts.Of(spec, height, width);
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(json)) JsonLine.Write(output, Report(spec, preset, profile));
            else ProfileTable.Write(Consoles.For(output), spec, preset, profile, everyLayer: result.GetValue(layers));
        });
        return command;
    }

    private static object Report(NetworkSpec spec, string preset, ModelProfile profile) => new
    {
        model = spec.Name,
        preset,
        input = profile.Input,
        profile.Parameters,
        profile.Macs,
        layers = profile.Layers.Select(layer => new
        {
            layer.Name,
            layer.Kind,
            layer.Output,
            layer.Parameters,
            layer.Macs,
            padding = layer.Padding?.ToString(),
        }),
    };
}
