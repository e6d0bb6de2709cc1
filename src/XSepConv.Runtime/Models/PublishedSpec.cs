namespace XSepConv;

/// <summary>
/// MobileNetV3-Small, MobileNetV3-Large and MobileNetV2 as their papers have them and torchvision builds them, without XSepConv: the
/// networks that pretrained weights are published for (<see cref="Pretrained"/>).
/// </summary>
/// <remarks>
/// Where <see cref="MobileNetV3Options.Kernels"/> changes a row's K, the row gets XSepConv at stride 1, and at stride 2 from K = 7
/// (<see cref="BlockKind.XSepInvertedResidual"/>).
/// </remarks>
public static class PublishedSpec
{
    /// <summary>The name of <see cref="MobileNetV3Small"/>.</summary>
    public const string MobileNetV3SmallName = "mobilenet-v3-small";

    /// <summary>The name of <see cref="MobileNetV3Large"/>.</summary>
    public const string MobileNetV3LargeName = "mobilenet-v3-large";

    /// <summary>The name of <see cref="MobileNetV2"/>.</summary>
    public const string MobileNetV2Name = "mobilenet-v2";

    // torchvision's, where nobody says otherwise.
    private const double Dropout = 0.2;

    /// <summary>
    /// MobileNetV3-Small (Howard et al. 2019, arXiv 1905.02244): with 1000 classes 2,542,856 parameters. Batch norms have ε = 0.001 and
    /// momentum 0.01.
    /// </summary>
    /// <param name="options">Null for 1000 classes; dropout is 0.2 where they do not say.</param>
    /// <exception cref="ArgumentException">An option is out of range; the first ten problems are listed.</exception>
    public static NetworkSpec MobileNetV3Small(MobileNetV3Options? options = null) =>
        Build(PublishedTables.Small, MobileNetV3SmallName, options);

    /// <summary>MobileNetV3-Large: with 1000 classes 5,483,032 parameters.</summary>
    /// <inheritdoc cref="MobileNetV3Small"/>
    public static NetworkSpec MobileNetV3Large(MobileNetV3Options? options = null) =>
        Build(PublishedTables.Large, MobileNetV3LargeName, options);

    /// <summary>
    /// MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381): with 1000 classes 3,504,872 parameters. It has no hidden layer.
    /// </summary>
    /// <inheritdoc cref="MobileNetV3Small"/>
    public static NetworkSpec MobileNetV2(MobileNetV3Options? options = null) =>
        Build(PublishedTables.V2, MobileNetV2Name, options);

    private static NetworkSpec Build(MobileNetV3Layout table, string name, MobileNetV3Options? options)
    {
        options ??= new();
        return table.Build(name, options with { Dropout = options.Dropout ?? Dropout });
    }
}
