using System.Reflection;

namespace XSepConv.Onnx;

/// <summary>
/// The networks and blocks of TorchSharp's TorchVision, by name: the package is not needed here, and its blocks are private. What holds
/// other parts than those known here is refused.
/// </summary>
internal static class TorchVisionModules
{
    private const string Assembly = "TorchVision";

    private static readonly Dictionary<string, Translation> Known = new()
    {
        ["TorchSharp.Modules.MobileNetV2"] = Of(
            "features classifier",
            (to, x, at) => Classify(to, to.Pools.GlobalAverage(Run(to, x, at, "features"), at.Name("pool")), at)),
        ["TorchSharp.Modules.MobileNetV2+InvertedResidual"] = Of("conv", (to, x, at) => Residual(to, x, at, "conv")),
        ["TorchSharp.Modules.MobileNetV3"] = Pooled,
        ["TorchSharp.Modules.MobileNetV3+InvertedResidual"] = Of("block", (to, x, at) => Residual(to, x, at, "block")),
        ["TorchSharp.Modules.AlexNet"] = Pooled,
        ["TorchSharp.Modules.VGG"] = Pooled,
        ["TorchSharp.Modules.ResNet"] = Sequence("conv1 bn1 relu maxpool layer1 layer2 layer3 layer4 avgpool flatten fc"),
        ["TorchSharp.Modules.ResNet+BasicBlock"] = Shortcut("conv1 bn1 relu1 conv2 bn2"),
        ["TorchSharp.Modules.ResNet+Bottleneck"] = Shortcut("conv1 bn1 relu1 conv2 bn2 relu2 conv3 bn3"),
        ["TorchSharp.torchvision+SqueezeExcitation"] = Of(
            "avgpool fc1 activation fc2 scale_activation",
            (to, x, at) => to.Layers.Gate(Run(to, x, at, "avgpool fc1 activation fc2 scale_activation"), x, at.Name("scale"))),
        ["TorchSharp.torchvision+StochasticDepth"] = Of("", (_, x, _) => x),
        ["TorchSharp.torchvision+Permute"] = Of("", (to, x, at) => to.Layers.Permute(x, Field<long[]>(at, "dims"), at)),
    };

    public static string Names => string.Join(", ", Known.Keys.Select(name => name[(name.LastIndexOf('.') + 1)..].Replace('+', '.')));

    private static Translation Pooled =>
        Of("features avgpool classifier", (to, x, at) => Classify(to, Run(to, x, at, "features avgpool"), at));

    /// <summary>That of a class; null where it is none of these.</summary>
    public static Translation? Find(Type type) =>
        type.Assembly.GetName().Name == Assembly ? Known.GetValueOrDefault(type.FullName!) : null;

    private static Translation Sequence(string parts) => Of(parts, (to, x, at) => Run(to, x, at, parts));

    private static Translation Shortcut(string parts) => Of(
        parts,
        (to, x, at) => to.Activations.Simple(
            to.Layers.Add(
                Run(to, x, at, parts), at.Children.Any(child => child.Path == at.Name("downsample")) ? Run(to, x, at, "downsample") : x,
                at.Name("add")),
            "Relu", at.Name("relu")),
        optional: "downsample");

    private static OnnxTensor Residual(ModuleTranslator to, OnnxTensor x, ModuleAt at, string parts)
    {
        var y = Run(to, x, at, parts);
        return Field<bool>(at, "use_res_connect") ? to.Layers.Add(y, x, at.Name("add")) : y;
    }

    private static OnnxTensor Classify(ModuleTranslator to, OnnxTensor x, ModuleAt at) =>
        Run(to, to.Layers.Flatten(x, at with { Path = at.Name("flatten") }, 1, -1), at, "classifier");

    private static OnnxTensor Run(ModuleTranslator to, OnnxTensor x, ModuleAt at, string parts) => to.Sequence(x, [.. Places(at, parts)]);

    private static IEnumerable<ModuleAt> Places(ModuleAt at, string parts) =>
        parts.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(at.Child);

    private static Translation Of(
        string parts, Func<ModuleTranslator, OnnxTensor, ModuleAt, OnnxTensor> run, string optional = "") =>
        new(run, at =>
        {
            var (expected, found) = (parts.Split(' ', StringSplitOptions.RemoveEmptyEntries),
                at.Module.named_children().Select(child => child.name));
            if (!found.Where(name => name != optional).Order().SequenceEqual(expected.Order())) throw Changed(at);
            return Places(at, parts).Concat(optional.Length > 0 && found.Contains(optional) ? [at.Child(optional)] : []);
        });

    private static T Field<T>(ModuleAt at, string name) =>
        at.Module.GetType().GetField(name, BindingFlags.Instance | BindingFlags.NonPublic)?.GetValue(at.Module) is T value
            ? value
            : throw Changed(at);

    private static NotSupportedException Changed(ModuleAt at) => ExportableModules.Refusal(
        at, $"it is otherwise in {Assembly} {at.Module.GetType().Assembly.GetName().Version} than is known here");
}
