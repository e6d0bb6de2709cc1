using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Chooses the backend of every <see cref="XSepConv2d"/> and every block in a module.</summary>
public static class XSepBackendExtensions
{
    /// <summary>Sets the backend of the module itself and of everything inside it that has one.</summary>
    /// <param name="module">An <see cref="XSepConv2d"/>, a block, a network of ours or any that contains them.</param>
    /// <param name="backend">What they use from the next forward on.</param>
    /// <returns>How many modules have one.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="backend"/> is unknown.</exception>
    public static int SetXSepBackend(this nn.Module module, XSepBackend backend)
    {
        ArgumentNullException.ThrowIfNull(module);
        EnumValues.Require(backend);
        var modules = module.modules().Prepend(module).Distinct().ToList();
        foreach (var stage in modules.SelectMany(FusableStage.Of)) stage.Backend = backend;
        return modules.OfType<IFusable>().Count();
    }
}
