namespace XSepConv;

/// <summary>A model of another library.</summary>
/// <param name="Name">There.</param>
/// <param name="Build">The same network here.</param>
/// <param name="HasNewerWeights">There are two of them whose images were prepared differently, and the tensors do not say which.</param>
internal sealed record PretrainedModel(
    PretrainedSource Source, string Name, Func<MobileNetV3Options?, NetworkSpec> Build, bool HasNewerWeights = false)
{
    public static IReadOnlyList<PretrainedModel> All { get; } =
    [
        new(PretrainedSource.TorchVision, "mobilenet_v3_small", PublishedSpec.MobileNetV3Small),
        new(PretrainedSource.TorchVision, "mobilenet_v3_large", PublishedSpec.MobileNetV3Large, HasNewerWeights: true),
        new(PretrainedSource.TorchVision, "mobilenet_v2", PublishedSpec.MobileNetV2, HasNewerWeights: true),
        new(PretrainedSource.Timm, "mobilenetv3_small_100", options => TorchNorms(PublishedSpec.MobileNetV3Small(options))),
        new(PretrainedSource.Timm, "mobilenetv3_large_100", options => TorchNorms(PublishedSpec.MobileNetV3Large(options))),
        new(PretrainedSource.Timm, "mobilenetv2_100", PublishedSpec.MobileNetV2),
    ];

    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static PretrainedModel Of(PretrainedSource source, string model)
    {
        ArgumentNullException.ThrowIfNull(model);
        EnumValues.Require(source);
        return Find(source, model) ?? throw new ArgumentException(
            $"{source} has no model {SafeTensorsHeader.Quote(model)} that is known here; known are {string.Join(", ", NamesOf(source))}.",
            nameof(model));
    }

    /// <summary>The model of a library by its name there or here, as in <c>mobilenet-v2</c>; null where there is none.</summary>
    public static PretrainedModel? Find(PretrainedSource source, string model)
    {
        // timm's names may say how the weights were trained, as in mobilenetv3_small_100.lamb_in1k.
        var name = source == PretrainedSource.Timm ? model.Split('.')[0] : model;
        return All.FirstOrDefault(entry => entry.Source == source && (entry.Name == name || entry.Build(null).Name == name));
    }

    public static IEnumerable<string> NamesOf(PretrainedSource source) =>
        All.Where(entry => entry.Source == source).Select(entry => entry.Name);

    // timm leaves MobileNetV3's batch norms at torch's defaults.
    private static NetworkSpec TorchNorms(NetworkSpec spec) =>
        spec with { NormEpsilon = ModuleSettings.DefaultEpsilon, NormMomentum = ModuleSettings.DefaultMomentum };
}
