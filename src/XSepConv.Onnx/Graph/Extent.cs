using System.Globalization;

namespace XSepConv.Onnx;

/// <summary>The height or width of a map: a number, a formula of the image's, or unknown.</summary>
/// <param name="Size">The number; 0 where the image's size is left open.</param>
/// <param name="Symbol">The name of the image's side, where that is left open; empty when it can't be told.</param>
/// <param name="Divisor">How many pixels of the image one pixel of the map spans.</param>
/// <param name="Plus">How many pixels padding has added since.</param>
internal readonly record struct Extent(long Size, string? Symbol, long Divisor, long Plus)
{
    /// <summary>A size that depends on the image's in a way that has no short formula.</summary>
    public static Extent Unknown { get; } = new(0, "", 1, 0);

    /// <summary>Whether it is a number.</summary>
    public bool IsFixed => Symbol is null;

    public static Extent Fixed(long size) => new(size, null, 1, 0);

    public static Extent Open(string symbol) => new(0, symbol, 1, 0);

    /// <summary>What a convolution makes of it.</summary>
    /// <param name="padding">Zeros on both sides together.</param>
    public Extent After(long kernel, long padding, long stride)
    {
        if (IsFixed) return Fixed(Size + padding < kernel ? 0 : ((Size + padding - kernel) / stride) + 1);
        if (Symbol!.Length == 0) return Unknown;
        var plus = Plus + padding - kernel + 1;
        if (stride == 1) return this with { Plus = plus };
        // ⌈⌈n/a⌉/b⌉ = ⌈n/(ab)⌉.
        return plus == 0 ? this with { Divisor = Divisor * stride, Plus = 0 } : Unknown;
    }

    /// <summary>With so many pixels more.</summary>
    public Extent Padded(long pixels) => After(1 - pixels, 0, 1);

    /// <summary>The number or the formula; empty where there is neither.</summary>
    public override string ToString()
    {
        if (IsFixed) return Size.ToString(CultureInfo.InvariantCulture);
        if (Symbol!.Length == 0) return "";
        var shrunk = Divisor == 1 ? Symbol : string.Create(CultureInfo.InvariantCulture, $"ceil({Symbol}/{Divisor})");
        return Plus == 0 ? shrunk : string.Create(CultureInfo.InvariantCulture, $"{shrunk}{Plus:+0;-0}");
    }
}
