using System.Buffers.Binary;

namespace XSepConv;

/// <summary>Floating-point numbers as the little-endian bytes of a safetensors file.</summary>
internal static class TensorValues
{
    /// <summary>The numbers of a tensor, each exactly.</summary>
    /// <param name="type">One of the floating-point types.</param>
    public static double[] Read(SafeTensorType type, ReadOnlySpan<byte> bytes)
    {
        var size = type.Size();
        var values = new double[bytes.Length / size];
        for (var i = 0; i < values.Length; i++)
        {
            var element = bytes.Slice(i * size, size);
            values[i] = type switch
            {
                SafeTensorType.F64 => BinaryPrimitives.ReadDoubleLittleEndian(element),
                SafeTensorType.F32 => BinaryPrimitives.ReadSingleLittleEndian(element),
                SafeTensorType.F16 => (double)BinaryPrimitives.ReadHalfLittleEndian(element),
                SafeTensorType.BF16 => BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(element) << 16),
                _ => throw EnumValues.Unknown(type),
            };
        }

        return values;
    }

    /// <summary>Numbers in a type, each rounded once to the nearest, ties to even; what is beyond the largest becomes infinite.</summary>
    /// <param name="type">One of the floating-point types.</param>
    public static byte[] Write(SafeTensorType type, ReadOnlySpan<double> values)
    {
        var size = type.Size();
        var bytes = new byte[checked(values.Length * size)];
        for (var i = 0; i < values.Length; i++)
        {
            var element = bytes.AsSpan(i * size, size);
            switch (type)
            {
                case SafeTensorType.F64:
                    BinaryPrimitives.WriteDoubleLittleEndian(element, values[i]);
                    break;
                case SafeTensorType.F32:
                    BinaryPrimitives.WriteSingleLittleEndian(element, (float)values[i]);
                    break;
                case SafeTensorType.F16:
                    BinaryPrimitives.WriteHalfLittleEndian(element, (Half)values[i]);
                    break;
                case SafeTensorType.BF16:
                    BinaryPrimitives.WriteUInt16LittleEndian(element, ToBFloat16(values[i]));
                    break;
                default:
                    throw EnumValues.Unknown(type);
            }
        }

        return bytes;
    }

    private static ushort ToBFloat16(double value)
    {
        const int Halfway = 0x8000, Quiet = 0x40;
        var single = (float)value;
        var bits = BitConverter.SingleToUInt32Bits(single);
        var upper = (ushort)(bits >> 16);

        // The bits that say NaN may all be in the half that is dropped.
        if (float.IsNaN(single)) return (ushort)(upper | Quiet);

        // Where float32 stands between two of the type, the number before it was rounded says which is nearer.
        var rest = (int)(bits & 0xFFFF);
        var beyond = rest == Halfway ? Math.Abs(value).CompareTo(Math.Abs((double)single)) : rest.CompareTo(Halfway);
        return beyond > 0 || (beyond == 0 && upper % 2 == 1) ? (ushort)(upper + 1) : upper;
    }
}
