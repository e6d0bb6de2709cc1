using System.Text;
using XSepConv.OnnxFormat;

namespace XSepConv.Onnx;

/// <summary>How much of one kind is read of an ONNX file, and so how much is written.</summary>
internal static class ReadLimits
{
    /// <summary>Of one text, such as the names of the classes: what a metadata of a million names needs.</summary>
    public const int MostTextBytes = 64 << 20;

    /// <summary>Entries of the metadata, operators, inputs or outputs.</summary>
    public const int MostEntries = 100_000;

    public const int MostSides = 64;

    /// <summary>A field takes at least two bytes; an ONNX file of the largest network has some hundred thousand.</summary>
    public const int MostFields = 4_000_000;

    /// <summary>Holds a model to what is read.</summary>
    /// <exception cref="ArgumentException">Something in it is too long, or too many; it is named.</exception>
    public static void Require(ModelProto model)
    {
        Count("entries of metadata", model.MetadataProps.Count, MostEntries);
        foreach (var entry in model.MetadataProps)
        {
            Text("a key of the metadata", entry.Key);
            Text($"the metadata's '{entry.Key}'", entry.Value);
        }

        var graph = model.Graph;
        foreach (var value in graph.Input.Concat(graph.Output))
        {
            Text("the name of an input or output", value.Name);
            Count($"sides of '{value.Name}'", value.Type.TensorType.Shape.Dim.Count, MostSides);
        }

        Text("the name of the graph", graph.Name);
        Count(
            "fields", graph.Node.Sum(node => 4L + node.Input.Count + node.Output.Count + node.Attribute.Count)
            + graph.Initializer.Sum(tensor => 4L + tensor.Dims.Count) + graph.ValueInfo.Count + (3L * model.MetadataProps.Count),
            MostFields);
    }

    private static void Text(string what, string text)
    {
        var bytes = Encoding.UTF8.GetByteCount(text);
        if (bytes > MostTextBytes)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"The file can't be written: {what} has {bytes:N0} bytes; at most {MostTextBytes:N0} are read."));
        }
    }

    private static void Count(string what, long count, int most)
    {
        if (count > most)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"The file can't be written: there are {count:N0} {what}; at most {most:N0} are read."));
        }
    }
}
