namespace XSepConv;

/// <summary>For which size of image a network is laid out.</summary>
public enum ImagePreset
{
    /// <summary>
    /// 224×224 and the like: the stem and the first block that may down-sample have stride 2; a 224×224 image ends at 7×7.
    /// </summary>
    ImageNet,

    /// <summary>28 to 64 pixels: these two have stride 1; a 32×32 image ends at 4×4 instead of 1×1.</summary>
    Cifar,
}

/// <summary>What can be chosen about a MobileNetV3 table.</summary>
public sealed record MobileNetV3Options
{
    /// <summary>How many classes there are; 0 for a network without a classifier, which gives features.</summary>
    public int NumClasses { get; init; } = 1000;

    /// <summary>For which size of image.</summary>
    public ImagePreset Preset { get; init; }

    /// <summary>Channels of the input images.</summary>
    public int InputChannels { get; init; } = 3;

    /// <summary>
    /// Multiplies every number of channels and the hidden features; rounded to multiples of 8, never down by more than 10 %.
    /// </summary>
    public double Width { get; init; } = 1;

    /// <summary>
    /// Probability of dropout before the last linear layer; null for the network's own, which is 0.2 for those of
    /// <see cref="PublishedSpec"/> and 0 for the others.
    /// </summary>
    public double? Dropout { get; init; }

    /// <summary>The nonlinearity of every row, of the stem and of the head; null for the table's.</summary>
    public Activation? Activation { get; init; }

    /// <summary>
    /// Kernel sizes, odd, from 3 to 63: none for the table's, one for all rows, one for each of the four stages, or one for each row.
    /// </summary>
    /// <remarks>
    /// A stage begins with a row that halves the map: at 224×224 the four end at 56×56, 28×28, 14×14 and 7×7, as RepLKNet counts them
    /// (arXiv 2203.06717); a row before the first of them belongs to it. A row that keeps its K keeps its operator. Every other one gets
    /// XSepConv at stride 1, and at stride 2 from K = 7 on; below, where XSepConv takes more multiply-accumulates, the depthwise
    /// convolution. The twin has the same kernel sizes.
    /// </remarks>
    public IReadOnlyList<int> Kernels { get; init; } = [];

    /// <summary>Where the XSep rows pad.</summary>
    public PaddingPlacement PaddingPlacement { get; init; }
}
