namespace XSepConv;

/// <summary>How the images were prepared that published weights were measured on.</summary>
/// <param name="Mean">Of red, green and blue.</param>
/// <param name="Std">Of red, green and blue.</param>
/// <param name="Scaling">From a picture to the image.</param>
internal sealed record PublishedImages(double[] Mean, double[] Std, PictureScaling Scaling)
{
    /// <summary>ImageNet's mean and deviation; 256 pixels, of which 224 are cut out, as for torchvision's <c>IMAGENET1K_V1</c>.</summary>
    public static PublishedImages Usual { get; } = new([0.485, 0.456, 0.406], [0.229, 0.224, 0.225], new(0.875));

    /// <summary>As most of timm's tags have it.</summary>
    public static PublishedImages UsualInTimm { get; } = Usual with { Scaling = new(0.875, Interpolation.Bicubic) };
}
