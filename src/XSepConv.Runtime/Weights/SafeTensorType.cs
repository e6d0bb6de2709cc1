namespace XSepConv;

/// <summary>The element type of a tensor in a safetensors file, by its name on the wire (<c>Bool</c> is <c>BOOL</c> there).</summary>
public enum SafeTensorType
{
    /// <summary>IEEE 754 double precision, 8 bytes.</summary>
    F64,

    /// <summary>IEEE 754 single precision, 4 bytes.</summary>
    F32,

    /// <summary>IEEE 754 half precision, 2 bytes.</summary>
    F16,

    /// <summary>The upper half of an <see cref="F32"/>, 2 bytes.</summary>
    BF16,

    /// <summary>Signed integer, 8 bytes.</summary>
    I64,

    /// <summary>Signed integer, 4 bytes.</summary>
    I32,

    /// <summary>Unsigned integer, 1 byte.</summary>
    U8,

    /// <summary>0 or 1, 1 byte.</summary>
    Bool,

    /// <summary>Signed integer, 1 byte.</summary>
    I8,
}

/// <summary>Names and sizes of the element types.</summary>
internal static class SafeTensorTypes
{
    /// <summary>What the files here may hold, for messages.</summary>
    public const string Known = "F64, F32, F16, BF16, I64, I32, I8, U8 and BOOL";

    private static readonly Dictionary<string, SafeTensorType> ByWireName = Enum.GetValues<SafeTensorType>().ToDictionary(WireName);

    public static int Size(this SafeTensorType type) => type switch
    {
        SafeTensorType.F64 or SafeTensorType.I64 => 8,
        SafeTensorType.F32 or SafeTensorType.I32 => 4,
        SafeTensorType.F16 or SafeTensorType.BF16 => 2,
        SafeTensorType.I8 or SafeTensorType.U8 or SafeTensorType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, $"Element types are {Known}."),
    };

    public static string WireName(this SafeTensorType type) => Enum.IsDefined(type)
        ? type.ToString().ToUpperInvariant()
        : throw new ArgumentOutOfRangeException(nameof(type), type, $"Element types are {Known}.");

    /// <summary>The type of that name in a file's header, or null for one that is not read here.</summary>
    public static SafeTensorType? FromWireName(string name) => ByWireName.TryGetValue(name, out var type) ? type : null;

    public static bool IsFloatingPoint(this SafeTensorType type) =>
        type is SafeTensorType.F64 or SafeTensorType.F32 or SafeTensorType.F16 or SafeTensorType.BF16;
}
