using static System.FormattableString;

namespace XSepConv;

/// <summary>
/// How torchvision and timm prepare a picture: its shorter side becomes ⌊image size / crop⌋, and the middle square of the image's size is
/// cut out of that.
/// </summary>
/// <param name="Crop">
/// timm's <c>crop_pct</c>, above 0 and at most 1: 0.875 where torchvision scales to 256 and cuts out 224.
/// </param>
/// <param name="Interpolation">By what it is scaled.</param>
public sealed record PictureScaling(double Crop, Interpolation Interpolation = Interpolation.Bilinear)
{
    /// <summary>The least share that is taken for one.</summary>
    internal const double LeastCrop = 0.1;

    // 224 / (224 / 232.0) may fall short of 232.
    private const double Rounding = 1e-6;

    /// <summary>What is wrong with it; null where nothing is.</summary>
    internal string? Problem() =>
        !(Crop is >= LeastCrop and <= 1) ? Invariant($"the crop is {Crop}; it must be from {LeastCrop} to 1")
        : !Enum.IsDefined(Interpolation) ? $"the interpolation is {Interpolation}; it must be bilinear or bicubic"
        : null;

    /// <summary>The shorter side that a picture is scaled to.</summary>
    internal int ShorterSide(int imageSize) => (int)((imageSize / Crop) + Rounding);

    /// <summary>Such as <c>bicubic, crop 0.875</c>.</summary>
    public override string ToString() =>
        Invariant($"{(Interpolation == Interpolation.Bicubic ? "bicubic" : "bilinear")}, crop {Crop}");
}
