namespace XSepConv;

/// <summary>How timm prepared the images that weights of a tag were trained on.</summary>
/// <remarks>As <c>default_cfgs</c> has it in timm's <c>mobilenetv3.py</c> and <c>efficientnet.py</c>.</remarks>
internal static class TimmTag
{
    private static readonly PublishedImages Miil = new([0, 0, 0], [1, 1, 1], new(0.875));

    private static readonly Dictionary<string, PublishedImages> Known = new()
    {
        ["lamb_in1k"] = PublishedImages.UsualInTimm,
        ["ra_in1k"] = PublishedImages.UsualInTimm,
        ["ra4_e3600_r224_in1k"] = new([0.5, 0.5, 0.5], [0.5, 0.5, 0.5], new(0.95, Interpolation.Bicubic)),
        ["miil_in21k_ft_in1k"] = Miil,
        ["miil_in21k"] = Miil,
    };

    /// <summary>By a model's name, as in <c>mobilenetv2_100.ra_in1k</c>; null where its tag says nothing.</summary>
    public static PublishedImages? Images(string model) =>
        Known.GetValueOrDefault(model[(model.IndexOf('.', StringComparison.Ordinal) + 1)..]);
}
