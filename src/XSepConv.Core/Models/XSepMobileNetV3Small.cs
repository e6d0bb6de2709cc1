using static TorchSharp.torch;

namespace XSepConv;

/// <summary>XSepMobileNetV3-Small, the network of the notes on arXiv 2002.12046.</summary>
/// <remarks>
/// <code>
///                                           in at 224×224   cifar preset, 32×32
/// stem 3×3 s2    3 →  16, BN, hswish           224             32  (stride 1)
/// Dw   3  16  16  16  ReLU    SE  s2           112             32  (stride 1)
/// Dw   3  16  72  24  ReLU    -   s2            56             32
/// Dw   3  24  88  24  ReLU    -   s1            28             16
/// Dw   5  24  96  40  hswish  SE  s2            28             16
/// XSep 5  40 240  40  hswish  SE  s1            14              8
/// XSep 5  40 240  40  hswish  SE  s1            14              8
/// XSep 5  40 120  48  hswish  SE  s1            14              8
/// XSep 5  48 144  48  hswish  SE  s1            14              8
/// Dw   5  48 288  96  hswish  SE  s2            14              8
/// XSep 3  96 576  96  hswish  SE  s1             7              4
/// XSep 3  96 576  96  hswish  SE  s1             7              4
/// 1×1 96 → 576, BN, hswish → global average pool
/// Linear 576 → 1280 → BN → hswish → Linear 1280 → classes
/// </code>
/// Rows read: kind, K, in, expand, out channels, activation, squeeze-excite, stride. They are <see cref="MobileNetV3SmallSpec.XSep"/>, and
/// <see cref="MobileNet"/> assembles them; its depthwise twin is <c>new MobileNet(MobileNetV3SmallSpec.Twin())</c>.
/// </remarks>
public sealed class XSepMobileNetV3Small : MobileNet
{
    /// <summary>Creates the network for 3-channel images.</summary>
    /// <param name="numClasses">How many classes there are.</param>
    /// <param name="preset">For which size of image.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public XSepMobileNetV3Small(
        int numClasses = 1000, ImagePreset preset = ImagePreset.ImageNet, Device? device = null, ScalarType? dtype = null)
        : this(new MobileNetV3Options { NumClasses = numClasses, Preset = preset }, device, dtype)
    {
    }

    /// <summary>
    /// Creates the network with any of its options: input channels, width, dropout, kernel sizes, placement of the padding.
    /// </summary>
    /// <param name="options">The options.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentException">An option is out of range; the first ten problems are listed.</exception>
    public XSepMobileNetV3Small(MobileNetV3Options options, Device? device = null, ScalarType? dtype = null)
        : base(MobileNetV3SmallSpec.XSep(options), device, dtype)
    {
    }
}
