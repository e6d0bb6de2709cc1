namespace XSepConv;

/// <summary>How timm prepared the images that weights of a tag were trained on.</summary>
/// <remarks>As <c>default_cfgs</c> has it in timm's <c>mobilenetv3.py</c> and <c>efficientnet.py</c>.</remarks>
internal static class TimmTag
{
    private static readonly Dictionary<string, (double[] Mean, double[] Std)> Known = new()
    {
        ["lamb_in1k"] = Pretrained.UsualNormalization,
        ["ra_in1k"] = Pretrained.UsualNormalization,
        ["ra4_e3600_r224_in1k"] = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
        ["miil_in21k_ft_in1k"] = ([0, 0, 0], [1, 1, 1]),
        ["miil_in21k"] = ([0, 0, 0], [1, 1, 1]),
    };

    /// <summary>Mean and deviation by a model's name, as in <c>mobilenetv2_100.ra_in1k</c>; null where its tag says nothing.</summary>
    public static (double[] Mean, double[] Std)? Normalization(string model) =>
        Known.TryGetValue(model[(model.IndexOf('.', StringComparison.Ordinal) + 1)..], out var found) ? found : null;
}
