using System.Text.Encodings.Web;
using System.Text.Json;
using XSepConv.OnnxFormat;

namespace XSepConv.Onnx;

/// <summary>What a file says about itself besides the graph.</summary>
internal static class OnnxMetadata
{
    public const string ClassesKey = "xsepconv.classes";
    public const string NormalizationKey = "xsepconv.normalization";

    private static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The entries, in the order of their keys.</summary>
    /// <param name="spec">What describes the network; null for another module.</param>
    /// <exception cref="ArgumentException">Class names do not fit the output, or an entry has a key of ours.</exception>
    public static IEnumerable<StringStringEntryProto> Entries(NetworkSpec? spec, OnnxTensor output, OnnxExportOptions options)
    {
        var entries = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (spec is not null) entries.Add(NetworkSpec.MetadataKey, spec.ToJson());
        if (options.ClassNames.Count > 0)
        {
            if (output.Sides.Count > 1 || output.Channels != options.ClassNames.Count)
            {
                throw new ArgumentException(
                    $"There are {options.ClassNames.Count} class names; the module's output is {output}.", nameof(options));
            }

            entries.Add(ClassesKey, JsonSerializer.Serialize(options.ClassNames, Json));
        }

        if (options.Normalization is { } normalization)
        {
            var pixels = normalization.Pixels == PixelRange.ZeroTo255 ? "0..255" : "0..1";
            entries.Add(NormalizationKey, JsonSerializer.Serialize(new { normalization.Mean, normalization.Std, pixels }, Json));
        }

        foreach (var (key, value) in options.Metadata)
        {
            if (key is ClassesKey or NormalizationKey or NetworkSpec.MetadataKey || !entries.TryAdd(key, value))
            {
                throw new ArgumentException($"The metadata has an entry '{key}', which the exporter writes itself.", nameof(options));
            }
        }

        return entries.Select(entry => new StringStringEntryProto { Key = entry.Key, Value = entry.Value });
    }
}
