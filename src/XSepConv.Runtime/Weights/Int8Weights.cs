namespace XSepConv;

/// <summary>
/// Weights of a byte each: integer · scale, with one scale for each output, of its largest weight / 127. A file has the integers under the
/// weight's name and the scales as F32 of shape [outputs, 1, …], so that a reader in any language multiplies the two.
/// </summary>
internal static class Int8Weights
{
    /// <summary>The entry of a safetensors file's metadata that says how its I8 are meant; without it they are just integers.</summary>
    public const string MetadataKey = "xsepconv.int8";

    /// <summary>What it says: the only way there is.</summary>
    public const string Meaning = "NAME * NAME_scale";

    private const int Largest = 127;

    // From here down F32 has fewer digits.
    private const double SmallestScale = 1.1754943508222875e-38;

    public static string ScaleOf(string name) => $"{name}_scale";

    /// <summary>A shape that multiplies the weight's as it is, output by output.</summary>
    public static IEnumerable<long> ScaleShape(IReadOnlyList<long> weight) => weight.Select((size, i) => i == 0 ? size : 1);

    /// <summary>
    /// Whether a tensor is stored so: matrices and 1×1 convolutions, of so many inputs that the scale of an output does not undo it. The
    /// weights of a spatial filter are few, and each counts for a whole map.
    /// </summary>
    public static bool IsFor(SafeTensor tensor) =>
        tensor.Type.IsFloatingPoint() && tensor.Shape is [_, > sizeof(float), .. var taps] && taps.All(size => size == 1);

    /// <summary>The integers, rounded to the nearest, ties to even, and the scales.</summary>
    /// <exception cref="InvalidDataException">A value is not finite or too large, or all are too small for a scale of F32.</exception>
    public static IEnumerable<SafeTensor> Of(SafeTensor tensor)
    {
        var values = TensorValues.Read(tensor.Type, tensor.Data.Span);
        if (Problem(values) is { } problem) throw new InvalidDataException($"{SafeTensorsHeader.Quote(tensor.Name)} {problem}");
        var (integers, scales) = (new byte[values.Length], new double[tensor.Shape[0]]);
        var inputs = (int)tensor.Shape[1];
        for (var output = 0; output < scales.Length; output++)
        {
            var row = values.AsSpan(output * inputs, inputs);

            // A row of zeros has a scale too: a reader may divide by it.
            var scale = scales[output] = (float)Math.Max(LargestOf(row) / Largest, SmallestScale);
            for (var i = 0; i < inputs; i++) integers[(output * inputs) + i] = (byte)(sbyte)Math.Round(row[i] / scale);
        }

        return
        [
            tensor with { Type = SafeTensorType.I8, Data = integers },
            new(
                ScaleOf(tensor.Name), SafeTensorType.F32, [.. ScaleShape(tensor.Shape)],
                TensorValues.Write(SafeTensorType.F32, scales)),
        ];
    }

    /// <summary>The numbers that integers and scales stand for, each exactly.</summary>
    public static double[] Read(ReadOnlySpan<byte> integers, ReadOnlySpan<double> scales)
    {
        var values = new double[integers.Length];
        var inputs = integers.Length / Math.Max(scales.Length, 1);
        for (var i = 0; i < values.Length; i++) values[i] = (sbyte)integers[i] * scales[i / inputs];
        return values;
    }

    private static double LargestOf(ReadOnlySpan<double> values)
    {
        var largest = 0d;
        foreach (var value in values) largest = Math.Max(largest, Math.Abs(value));
        return largest;
    }

    private static string? Problem(ReadOnlySpan<double> values)
    {
        // The next number up is beyond F32, and so might be 127 · scale.
        const double Most = 3.4028234e38;
        for (var i = 0; i < values.Length; i++)
        {
            if (!(Math.Abs(values[i]) <= Most))
            {
                return FormattableString.Invariant($"has {values[i]:G6} at {i}, and INT8 holds finite numbers up to {Most:G6}.");
            }
        }

        var largest = LargestOf(values);
        return largest is > 0 and < Largest * SmallestScale
            ? FormattableString.Invariant(
                $"goes to {largest:G6}, and INT8 has all of its digits only from {Largest * SmallestScale:G6} on.")
            : null;
    }
}
