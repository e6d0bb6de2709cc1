using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Onnx;

/// <summary>Which modules can be exported, and what is said of the others.</summary>
internal static class ExportableModules
{
    private static readonly Type[] Known =
    [
        typeof(MobileNet), typeof(XSepBlock), typeof(SepBlock), typeof(DwBlock), typeof(InvertedResidualBlock),
        typeof(XSepInvertedResidualBlock), typeof(XSepConv2d), typeof(SeModule), typeof(HSwish), typeof(HSigmoid), typeof(Sequential),
        typeof(Conv2d), typeof(Linear), typeof(BatchNorm1d), typeof(BatchNorm2d), typeof(ReLU), typeof(ReLU6), typeof(SiLU),
        typeof(Hardswish), typeof(Hardsigmoid), typeof(AdaptiveAvgPool2d), typeof(Flatten), typeof(Dropout), typeof(Identity),
    ];

    /// <summary>Looks through a module, so that what can't be exported is named before anything else is found wrong.</summary>
    /// <exception cref="NotSupportedException">It is, or holds, a module of another type.</exception>
    public static void Require(ModuleAt at)
    {
        if (ForeignBecause(at.Module.GetType()) is { } reason) throw Refusal(at, reason);
        if (at.Module is not Sequential) return;
        foreach (var child in at.Children) Require(child);
    }

    public static NotSupportedException Refusal(ModuleAt at, string reason) =>
        new(
            $"{at.Where} is a {TypeName.Of(at.Module.GetType())}, which can't be exported: {reason}. What can: {List}. "
            + "A module of your own says in code what it does with its parts; make a Sequential of those.");

    private static string List => string.Join(
        "; ", Known.GroupBy(type => type.Namespace).Select(types => $"of {types.Key} {string.Join(", ", types.Select(Named))}"));

    private static string Named(Type type) =>
        type == typeof(AdaptiveAvgPool2d) ? $"{type.Name} to 1×1"
        : type == typeof(Flatten) ? $"the {type.Name} after it"
        : type.Name;

    private static string? ForeignBecause(Type type)
    {
        if (Known.FirstOrDefault(known => known.IsAssignableFrom(type)) is { } runs)
        {
            // A class derived from a known one may run its parts in another way.
            return Forward(type) == Forward(runs)
                ? null
                : $"it has a forward of its own, which may do something else than that of {TypeName.Of(runs)}";
        }

        return Known.FirstOrDefault(known => known.Name == type.Name) is { } namesake
            ? $"it is not {TypeName.Of(namesake)}, another class of that name"
            : "it is none of the classes that are known here";

        static Type? Forward(Type of) => of.GetMethod(nameof(Sequential.forward), [typeof(Tensor)])?.DeclaringType;
    }
}
