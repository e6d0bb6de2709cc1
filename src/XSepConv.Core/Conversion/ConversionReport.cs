using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace XSepConv;

/// <summary>A depthwise convolution that became an <see cref="XSepConv2d"/>.</summary>
/// <param name="Path">Where it is in the network, such as <c>features.3.conv</c>; its state-dict keys start so.</param>
/// <param name="BatchNormPath">The batch norm that became an identity; null where none followed.</param>
/// <param name="KernelSize">K.</param>
/// <param name="Stride">1 or 2.</param>
/// <param name="Channels">C.</param>
/// <param name="Padding">Where the new 2×2 pads.</param>
/// <param name="Height">Rows of the map that goes in, for the traced input.</param>
/// <param name="Width">Columns of the map that goes in.</param>
/// <param name="ParametersBefore">Trainable values of the convolution and its batch norm.</param>
/// <param name="ParametersAfter">Trainable values of the new module.</param>
/// <param name="MacsBefore">Multiply-accumulates of the convolution, for the traced input.</param>
/// <param name="MacsAfter">Multiply-accumulates of the new module.</param>
/// <param name="FitError">
/// With <see cref="KernelInitialisation.Fit"/>, how far the new module's output is from the old one's on the calibration images: root mean
/// square of the difference over the standard deviation of the old output. 0 is the same, 1 as good as the mean.
/// </param>
public sealed record ReplacedLayer(
    string Path,
    string? BatchNormPath,
    int KernelSize,
    int Stride,
    int Channels,
    PaddingDirection Padding,
    int Height,
    int Width,
    long ParametersBefore,
    long ParametersAfter,
    long MacsBefore,
    long MacsAfter,
    double? FitError)
{
    /// <summary>The nonlinearity inside the new module.</summary>
    public Activation Activation { get; init; } = Activation.HSwish;

    /// <summary>What the new module's batch norms add to the variance.</summary>
    public double Epsilon { get; init; } = ModuleSettings.DefaultEpsilon;

    /// <summary>The weight of a new batch in the running statistics of the new batch norms; null is the cumulative average.</summary>
    public double? Momentum { get; init; } = ModuleSettings.DefaultMomentum;
}

/// <summary>A depthwise convolution that stayed.</summary>
/// <param name="Path">Where it is in the network.</param>
/// <param name="Reason">Why, and what would have to change, as one sentence.</param>
public sealed record LeftLayer(string Path, string Reason);

/// <summary>What <see cref="XSepConverter"/> did, or would do.</summary>
/// <param name="Input">The shape that was traced; MACs are for it.</param>
/// <param name="Replaced">The new modules, in the order in which they run.</param>
/// <param name="Left">Depthwise convolutions that stayed, in the order of the module tree.</param>
/// <param name="ParametersBefore">Trainable values of the whole network before.</param>
/// <param name="ParametersAfter">Trainable values of the whole network after.</param>
/// <param name="MacsBefore">Multiply-accumulates of the whole network before; null where <see cref="NotCounted"/> says why.</param>
/// <param name="MacsAfter">Multiply-accumulates of the whole network after.</param>
/// <param name="NotCounted">
/// The layer that keeps the whole network's MACs from being counted; those of the replaced layers always are.
/// </param>
public sealed record ConversionReport(
    IReadOnlyList<long> Input,
    IReadOnlyList<ReplacedLayer> Replaced,
    IReadOnlyList<LeftLayer> Left,
    long ParametersBefore,
    long ParametersAfter,
    long? MacsBefore,
    long? MacsAfter,
    string? NotCounted)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
        WriteIndented = true,
    };

    /// <summary>
    /// The mean <see cref="ReplacedLayer.FitError"/> of the layers of each kernel size K, by K; empty where nothing was fitted.
    /// </summary>
    public IReadOnlyDictionary<int, double> FitErrorByKernel => new SortedDictionary<int, double>(
        Replaced.Where(layer => layer.FitError is not null)
            .GroupBy(layer => layer.KernelSize)
            .ToDictionary(layers => layers.Key, layers => layers.Average(layer => layer.FitError!.Value)));

    /// <summary>
    /// All of it as JSON, in camel case. <c>convert</c> of <c>interop/pytorch/xsepconv_torch.py</c> repeats the conversion with it, so that
    /// weights move on to PyTorch.
    /// </summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>A line a layer, what was left with the reason, and the totals.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(Replaced.Count == 0 ? "Nothing to replace.\n" : $"Replaced {Replaced.Count}:\n");
        foreach (var layer in Replaced)
        {
            text.Append(
                $"  {layer.Path}: {layer.KernelSize}×{layer.KernelSize}, stride {layer.Stride}, {layer.Channels} channels at "
                + $"{layer.Height}×{layer.Width}, pads {layer.Padding}, ");
            text.Append($"MACs {Number(layer.MacsBefore)} → {Number(layer.MacsAfter)}");
            text.Append(layer.FitError is { } error ? string.Create(CultureInfo.InvariantCulture, $", fit error {error:0.000}\n") : "\n");
        }

        if (Replaced.Count(layer => layer.BatchNormPath is null) is var bare and > 0)
        {
            text.Append(
                $"  {bare} of them had no batch norm after them. An {nameof(XSepConv2d)} ends in one all the same; what follows stays, "
                + "such as a layer norm.\n");
        }

        if (FitErrorByKernel is { Count: > 0 } errors)
        {
            text.Append(CultureInfo.InvariantCulture, $"Mean fit error: {string.Join(", ", errors.Select(MeanError))}\n");
        }

        if (Left.Count > 0) text.Append($"Left {Left.Count}:\n");
        foreach (var layer in Left) text.Append($"  {layer.Path}: {layer.Reason}\n");
        text.Append($"Parameters {Number(ParametersBefore)} → {Number(ParametersAfter)}");
        text.Append(MacsBefore is { } before && MacsAfter is { } after
            ? $", MACs {Number(before)} → {Number(after)} for input {string.Join('×', Input)}\n"
            : $"; MACs of the whole network were not counted: {NotCounted}\n");
        return text.ToString();

        static string MeanError(KeyValuePair<int, double> entry) =>
            string.Create(CultureInfo.InvariantCulture, $"{entry.Key}×{entry.Key} {entry.Value:0.000}");
        static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
    }
}
