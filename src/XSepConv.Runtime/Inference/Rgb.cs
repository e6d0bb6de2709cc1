using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace XSepConv;

/// <summary>A colour of 8 bits a channel, such as what see-through pictures are laid on.</summary>
/// <param name="Red">0 to 255.</param>
/// <param name="Green">0 to 255.</param>
/// <param name="Blue">0 to 255.</param>
[JsonConverter(typeof(RgbConverter))]
public readonly record struct Rgb(byte Red, byte Green, byte Blue)
{
    /// <summary>White.</summary>
    public static Rgb White { get; } = new(255, 255, 255);

    /// <summary>Black.</summary>
    public static Rgb Black { get; } = new(0, 0, 0);

    /// <summary>Reads a colour.</summary>
    /// <param name="text"><c>white</c>, <c>black</c>, or six hexadecimal digits after a <c>#</c>: red, green, blue.</param>
    /// <exception cref="FormatException">It is none of these.</exception>
    public static Rgb Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.ToLowerInvariant() switch
        {
            "white" => White,
            "black" => Black,
            ['#', .. { Length: 6 } digits] when uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
            out var value) =>
                new((byte)(value >> 16), (byte)(value >> 8), (byte)value),
            _ => throw new FormatException(
            $"'{text}' is no colour; white, black, or # and six hexadecimal digits are right, such as #808080."),
        };
    }

    /// <summary><c>#</c> and six hexadecimal digits.</summary>
    public override string ToString() => $"#{Red:x2}{Green:x2}{Blue:x2}";
}

internal sealed class RgbConverter : JsonConverter<Rgb>
{
    public override Rgb Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        try
        {
            return Rgb.Parse(reader.TokenType == JsonTokenType.String ? reader.GetString()! : "something that is no text");
        }
        catch (FormatException e)
        {
            throw new JsonException(e.Message, e);
        }
    }

    public override void Write(Utf8JsonWriter writer, Rgb value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
