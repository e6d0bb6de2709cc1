using static TorchSharp.torch;

namespace XSepConv.Onnx;

/// <summary>Which modules can be exported, and what is said of the others.</summary>
internal sealed class ExportableModules(IReadOnlyDictionary<Type, OnnxTranslator> registered)
{
    /// <summary>Looks through a module, so that what can't be exported is named before anything else is found wrong.</summary>
    /// <exception cref="NotSupportedException">It is, or holds, a module of another type.</exception>
    public void Require(ModuleAt at)
    {
        foreach (var part in Find(at).Parts?.Invoke(at) ?? []) Require(part);
    }

    /// <exception cref="NotSupportedException">There is none.</exception>
    public Translation Find(ModuleAt at) => TryFind(at) ?? throw Refusal(at, UnknownBecause(at.Module.GetType()));

    public Translation? TryFind(ModuleAt at)
    {
        var type = at.Module.GetType();
        if (registered.TryGetValue(type, out var translator)) return Own(translator);
        if (at.Module is IOnnxExportable) return Own((graph, module, x) => ((IOnnxExportable)module).Export(graph, x));
        return StockModules.Of(type) ?? TorchVisionModules.Find(type);
    }

    /// <summary>Whether the user has no translator of his own for such a module.</summary>
    public bool IsStock(ModuleAt at) => !registered.ContainsKey(at.Module.GetType());

    public static NotSupportedException Refusal(ModuleAt at, string reason) =>
        new(
            $"{at.Where} is a {TypeName.Of(at.Module.GetType())}, which can't be exported: {reason}. What can: {List}. "
            + $"For others implement {nameof(IOnnxExportable)} on the class, or put a translator of it into "
            + $"{nameof(OnnxExportOptions)}.{nameof(OnnxExportOptions.Translators)}.");

    private static string List => string.Join("; ", StockModules.Types.GroupBy(type => type.Namespace)
        .Select(types => $"of {types.Key} {string.Join(", ", types.Select(type => type.Name))}"))
        + $"; of TorchVision {TorchVisionModules.Names}";

    private static Translation Own(OnnxTranslator translator) => new((to, x, at) =>
    {
        if (at.Module is not nn.Module<Tensor, Tensor> module)
        {
            throw new NotSupportedException(
                $"{at.Where} is a {TypeName.Of(at.Module.GetType())}, which does not take and return one tensor.");
        }

        return translator(to.GraphOf(at), module, x)
            ?? throw new InvalidOperationException($"The translator of {at.Where}, a {TypeName.Of(module.GetType())}, returned null.");
    });

    private static string UnknownBecause(Type type)
    {
        // A class derived from a known one may run its parts in another way.
        if (StockModules.Base(type) is { } known)
        {
            return $"it has a forward of its own, which may do something else than that of {TypeName.Of(known)}";
        }

        return StockModules.Types.FirstOrDefault(stock => stock.Name == type.Name) is { } namesake
            ? $"it is not {TypeName.Of(namesake)}, another class of that name"
            : "it is none of the classes that are known here";
    }
}
