using System.CommandLine;
using System.Globalization;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Startup;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv summary</c>: parameters and MACs of a network, layer by layer.</summary>
internal static class SummaryCommand
{
    private const int LongestSide = 65_536;

    // 1 GiB of float32.
    private const long MostMapValues = 1L << 28;

    public static Command Create()
    {
        var network = new NetworkOptions(ImagePreset.ImageNet);
        var classes = CheckedOption.Whole("--classes", 1, 100_000, 1000, "How many classes the network tells apart.");
        var input = CheckedOption.Make<int[]>(
            "--input", "CxHxW", "One image's channels, height and width. Default: 3x224x224, for the cifar preset 3x32x32.", null, ParseInput);
        var layers = CheckedOption.Flag("--layers", "List every layer of a block in the table.");
        var json = CheckedOption.Flag("--json", "Print one line of JSON, every layer in it.");
        var command = new Command("summary", "Count a network's parameters and multiply-accumulates (MACs).");
        network.AddTo(command);
        foreach (var option in new Option[] { classes, input, layers, json }) command.Add(option);
        command.SetAction(result =>
        {
            var given = result.GetValue(input) is [_, _, _] sizes ? sizes : null;
            var spec = network.Spec(result, given?[0] ?? 3, result.GetValue(classes));
            var profile = Profile(spec, given?[1] ?? spec.DefaultImageSize, given?[2] ?? spec.DefaultImageSize);
            var output = result.InvocationConfiguration.Output;
            if (result.GetValue(json)) JsonLine.Write(output, Report(spec, network.Preset(result), profile));
            else ProfileTable.Write(Consoles.For(output), spec, profile, everyLayer: result.GetValue(layers));
        });
        return command;
    }

    /// <summary>Builds the network and runs one image of zeros through it.</summary>
    /// <exception cref="UserError">The maps of such an image would not fit.</exception>
    public static ModelProfile Profile(NetworkSpec spec, int height, int width)
    {
        var strides = spec.InputStrides();
        var largest = spec.Blocks.Select((block, i) => block.Expand * DivideUp(height, strides[i]) * DivideUp(width, strides[i])).Max();
        if (largest > MostMapValues)
        {
            throw new UserError($"An image of {height}×{width} makes maps of {largest / MostMapValues:N0} GiB and more; choose a smaller --input.");
        }

        Nnpack.SwitchOffWhereUnsupported();
        using var model = new MobileNet(spec);
        return ModelProfile.Of(model, 1, spec.InputChannels, height, width);

        static long DivideUp(int size, int stride) => (size + stride - 1L) / stride;
    }

    private static object Report(NetworkSpec spec, ImagePreset preset, ModelProfile profile) => new
    {
        model = spec.Name,
        preset = NetworkOptions.NameOf(preset),
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

    private static (int[]? Value, string? Wrong) ParseInput(string text)
    {
        var parts = text.Split(['x', 'X', '×']);
        var sizes = new int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out sizes[i]) || sizes[i] is < 1 or > LongestSide) return Wrong();
        }

        return sizes.Length == 3 ? (sizes, null) : Wrong();

        static (int[]?, string?) Wrong() => (null, $"channels, height and width are three whole numbers from 1 to {LongestSide}, such as 3x224x224");
    }
}
