namespace XSepConv;

/// <summary>
/// Weights in the type that a file is to have. It is that of filters and matrices, which are nearly all of a file. Biases, what
/// normalisations multiply by and add, and their statistics are F32 beside narrow ones: they are few, and each counts for a whole channel.
/// </summary>
internal static class StoredWeights
{
    public const string Known = "F32, BF16, F16 or I8";

    /// <exception cref="ArgumentOutOfRangeException">Weights are not written in that type.</exception>
    public static void RequireKnown(SafeTensorType type, string argument)
    {
        if (type is not (SafeTensorType.F32 or SafeTensorType.BF16 or SafeTensorType.F16 or SafeTensorType.I8))
        {
            throw new ArgumentOutOfRangeException(argument, type, $"Weights are written as {Known}.");
        }
    }

    /// <summary>
    /// A module's tensors as the file has them: rounded to the nearest, ties to even. Integers stay as they are. Of I8 are the weights that
    /// <see cref="Int8Weights"/> are for, with their scales, and the others F32.
    /// </summary>
    /// <exception cref="InvalidDataException">
    /// The type can't hold a value, or none of a tensor's with all of its digits; of I8, a tensor is I8 itself or has the name of scales.
    /// </exception>
    public static IEnumerable<SafeTensor> Of(IEnumerable<SafeTensor> tensors, SafeTensorType type)
    {
        if (type != SafeTensorType.I8) return tensors.Select(tensor => Of(tensor, type));
        SafeTensor[] all = [.. tensors];
        var scales = all.Where(Int8Weights.IsFor).Select(tensor => Int8Weights.ScaleOf(tensor.Name)).ToHashSet();
        return all.FirstOrDefault(tensor => tensor.Type == SafeTensorType.I8 || scales.Contains(tensor.Name)) is { } other
            ? throw new InvalidDataException(
                $"{SafeTensorsHeader.Quote(other.Name)} {(scales.Contains(other.Name) ? "has the name of scales" : "is I8 itself")}, so "
                + "that a file of INT8 weights would mean it otherwise.")
            : all.SelectMany(tensor => Int8Weights.IsFor(tensor) ? Int8Weights.Of(tensor) : [Of(tensor, SafeTensorType.F32)]);
    }

    private static SafeTensor Of(SafeTensor tensor, SafeTensorType type)
    {
        var isVector = tensor.Shape.Length <= 1;
        var target = isVector ? SafeTensorType.F32 : type;
        if (!tensor.Type.IsFloatingPoint() || tensor.Type == target) return tensor;
        var values = TensorValues.Read(tensor.Type, tensor.Data.Span);
        var bytes = TensorValues.Write(target, values);
        return (TooLarge(values, TensorValues.Read(target, bytes), target) ?? (isVector ? null : TooSmall(values, target))) is { } problem
            ? throw new InvalidDataException($"{SafeTensorsHeader.Quote(tensor.Name)} {problem}")
            : tensor with { Type = target, Data = bytes };
    }

    private static string? TooLarge(double[] values, double[] stored, SafeTensorType type)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (double.IsFinite(values[i]) && !double.IsFinite(stored[i]))
            {
                return FormattableString.Invariant($"has {values[i]:G6} at {i}, and {type} goes to {Largest(type):G6}.");
            }
        }

        return null;
    }

    // Below its normal numbers a type has fewer digits, down to none: a tensor that is there as a whole would lose more than rounding does.
    private static string? TooSmall(double[] values, SafeTensorType type)
    {
        var largest = values.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty().Max();
        return largest > 0 && largest < Smallest(type)
            ? FormattableString.Invariant(
                $"goes to {largest:G6}, and {type} has all of its digits only from {Smallest(type):G6} on.")
            : null;
    }

    private static double Largest(SafeTensorType type) => type switch
    {
        SafeTensorType.F16 => (double)Half.MaxValue,
        SafeTensorType.BF16 => BitConverter.UInt32BitsToSingle(0x7F7F_0000),
        _ => float.MaxValue,
    };

    /// <summary>The smallest normal number.</summary>
    private static double Smallest(SafeTensorType type) => type == SafeTensorType.F16 ? 1d / (1 << 14) : 1 / Math.Pow(2, 126);
}
