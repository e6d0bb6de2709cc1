using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Onnx;

/// <summary>The classes of XSepConv and TorchSharp that are exported.</summary>
internal static class StockModules
{
    private static readonly (Type Type, Translation Translation)[] All =
    [
        (typeof(MobileNet), new((to, x, at) => to.Blocks.Network(x, at))),
        Block<XSepBlock>(), Block<SepBlock>(), Block<DwBlock>(), Block<InvertedResidualBlock>(), Block<XSepInvertedResidualBlock>(),
        Of<XSepConv2d>((to, x, at, operation) => to.Blocks.Module(x, at, operation.Layers)),
        Of<SeModule>((to, x, at, squeeze) => to.Blocks.Module(x, at, squeeze.Layers.All)),
        Act<HSwish>((to, x, name) => to.HSwish(x, name)), Act<HSigmoid>((to, x, name) => to.HSigmoid(x, name)),

        (typeof(Sequential), new((to, x, at) => to.Sequence(x, [.. at.Children]), at => at.Children)),
        Of<Conv2d>((to, x, at, _) => to.Layers.Convolution(x, at)),
        Of<Linear>((to, x, at, _) => to.Layers.Linear(x, at)),
        Of<BatchNorm1d>((to, x, at, _) => to.Layers.BatchNorm(x, at)), Of<BatchNorm2d>((to, x, at, _) => to.Layers.BatchNorm(x, at)),
        Of<LayerNorm>((to, x, at, norm) => to.Norms.Layer(x, norm, at)), Of<GroupNorm>((to, x, at, norm) => to.Norms.Group(x, norm, at)),

        Act<ReLU>((to, x, name) => to.Simple(x, "Relu", name)), Act<ReLU6>((to, x, name) => to.ReLU6(x, name)),
        Act<Hardswish>((to, x, name) => to.HSwish(x, name)), Act<Hardsigmoid>((to, x, name) => to.HSigmoid(x, name)),
        Act<SiLU>((to, x, name) => to.SiLU(x, name)), Act<Sigmoid>((to, x, name) => to.Simple(x, "Sigmoid", name)),
        Act<Tanh>((to, x, name) => to.Simple(x, "Tanh", name)),
        Of<LeakyReLU>((to, x, at, act) => to.Activations.LeakyReLU(x, act, at.NodeName("act"))),
        Of<GELU>((to, x, at, act) => to.Activations.GELU(x, act, at)),
        Of<Softmax>((to, x, at, softmax) => to.Activations.Softmax(x, "Softmax", softmax.dim, at)),
        Of<LogSoftmax>((to, x, at, softmax) => to.Activations.Softmax(x, "LogSoftmax", softmax.dim, at)),

        Of<MaxPool2d>((to, x, at, pool) => to.Pools.Max(x, pool, at)), Of<AvgPool2d>((to, x, at, pool) => to.Pools.Average(x, pool, at)),
        Of<AdaptiveAvgPool2d>((to, x, at, pool) => to.Pools.Adaptive(x, pool, at)),
        Of<Upsample>((to, x, at, resize) => to.Resizes.Upsample(x, resize, at)),
        Pad<ZeroPad2d>(), Pad<ConstantPad2d>(), Pad<ReflectionPad2d>(), Pad<ReplicationPad2d>(),
        Of<Flatten>((to, x, at, flatten) => to.Layers.Flatten(x, at, flatten.start_dim, flatten.end_dim)),
        Of<Dropout>((_, x, _, _) => x), Of<Dropout2d>((_, x, _, _) => x), Of<AlphaDropout>((_, x, _, _) => x),
            Of<Identity>((_, x, _, _) => x),
    ];

    public static IEnumerable<Type> Types => All.Select(entry => entry.Type);

    /// <summary>That of a class or of the one that it is derived from, if its <c>forward</c> is the same; else null.</summary>
    public static Translation? Of(Type type) => Base(type) is { } known && Forward(type) == Forward(known)
        ? All.First(entry => entry.Type == known).Translation
        : null;

    /// <summary>The class here that this one is, or is derived from.</summary>
    public static Type? Base(Type type) => Types.FirstOrDefault(known => known.IsAssignableFrom(type));

    private static Type? Forward(Type of) => of.GetMethod(nameof(Sequential.forward), [typeof(Tensor)])?.DeclaringType;

    private static (Type, Translation) Of<T>(Func<ModuleTranslator, OnnxTensor, ModuleAt, T, OnnxTensor> translate) where T : nn.Module =>
        (typeof(T), new((to, x, at) => translate(to, x, at, (T)at.Module)));

    private static (Type, Translation) Act<T>(Func<ActivationTranslator, OnnxTensor, string, OnnxTensor> translate) =>
        (typeof(T), new((to, x, at) => translate(to.Activations, x, at.NodeName("act"))));

    private static (Type, Translation) Pad<T>() where T : PadBase => Of<T>((to, x, at, pad) => to.Pads.Pad(x, pad, at));

    private static (Type, Translation) Block<T>() where T : IBlock =>
        (typeof(T), new((to, x, at) => to.Blocks.Module(x, at, ((IBlock)at.Module).Layers.All)));
}
