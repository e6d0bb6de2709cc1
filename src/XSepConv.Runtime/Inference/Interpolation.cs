using System.Text.Json.Serialization;

namespace XSepConv;

/// <summary>By what a picture is made smaller or larger. Both widen when they shrink, so that nothing aliases.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Interpolation>))]
public enum Interpolation
{
    /// <summary>A triangle: Pillow's BILINEAR.</summary>
    [JsonStringEnumMemberName("bilinear")]
    Bilinear,

    /// <summary>A cubic with a = −0.5: Pillow's BICUBIC.</summary>
    [JsonStringEnumMemberName("bicubic")]
    Bicubic,
}
