using System.Diagnostics;
using TorchSharp.Modules;

namespace XSepConv.Onnx;

/// <summary>Turns a tree of <see cref="ExportableModules"/> into nodes.</summary>
internal sealed class ModuleTranslator(GraphBuilder graph)
{
    private readonly LayerTranslator _layers = new(graph);

    private BlockTranslator Blocks => new(_layers);

    public Value Translate(Value x, ModuleAt at)
    {
        switch (at.Module)
        {
            case MobileNet:
                return Blocks.Network(x, at, Translate);
            case IBlock block:
                return Blocks.Module(x, at, block.Layers.All);
            case XSepConv2d operation:
                return Blocks.Module(x, at, operation.Layers);
            case SeModule squeeze:
                return Blocks.Module(x, at, squeeze.Layers.All);
            case Sequential:
                return TranslateSequence(x, [.. at.Children]);
            case Conv2d:
                return _layers.Convolution(x, at);
            case Linear:
                return _layers.Linear(x, at);
            case BatchNorm2d or BatchNorm1d:
                if (x.IsMap != at.Module is BatchNorm2d)
                {
                    var right = x.IsMap ? "features [N, C]" : "maps [N, C, H, W]";
                    throw new ArgumentException($"{at.Where} is a batch norm of {right}, it gets {x.Shape}.");
                }

                return _layers.BatchNorm(x, BatchNormValues.Of(at));
            case ReLU:
                return _layers.ReLU(x, at.NodeName("act"));
            case ReLU6:
                return _layers.ReLU6(x, at.NodeName("act"));
            case SiLU:
                return _layers.SiLU(x, at.NodeName("act"));
            case XSepConv.HSwish or Hardswish:
                return _layers.HSwish(x, at.NodeName("act"));
            case XSepConv.HSigmoid or Hardsigmoid:
                return _layers.HSigmoid(x, at.NodeName("act"));
            case AdaptiveAvgPool2d pool:
                if (!x.IsMap) throw new ArgumentException($"{at.Where} pools maps [N, C, H, W], it gets {x.Shape}.");
                if (pool.output_size.Any(size => size != 1))
                {
                    throw ExportableModules.Refusal(at, $"it pools to {string.Join('×', pool.output_size)}");
                }

                return _layers.GlobalAverage(x, at.NodeName("pool"));
            case Flatten flatten:
                var pooled = x is { Height: { Symbol: null, Size: 1 }, Width: { Symbol: null, Size: 1 } };
                if (pooled && flatten is { start_dim: 1, end_dim: -1 or 3 }) return _layers.Flatten(x, at.NodeName("flatten"));
                var dimensions = $"from dimension {flatten.start_dim} to {flatten.end_dim}";
                throw ExportableModules.Refusal(at, $"it flattens {x.Shape} {dimensions}; only [N, C, 1, 1] to [N, C] can be");
            case Dropout or Identity:
                return x;
            default:
                throw new UnreachableException($"{at.Where} is a {TypeName.Of(at.Module.GetType())}, which was let through.");
        }
    }

    /// <summary>The shape that a module takes, named <paramref name="name"/>; null if any will do.</summary>
    public static Value? InputOf(string name, ModuleAt at, Extent height, Extent width)
    {
        switch (at.Module)
        {
            case MobileNet network:
                return Map(network.Spec.InputChannels);
            case IBlock block:
                return Map(block.Layers.Spec.In);
            case XSepConv2d operation:
                return Map(operation.Channels);
            case SeModule:
                return InputOf(name, at.Child("se"), height, width);
            case Conv2d conv:
                return Map(conv.in_channels);
            case BatchNorm2d norm:
                return Map(norm.num_features);
            case Linear linear:
                return new(name, linear.in_features, null, null);
            case BatchNorm1d norm:
                return new(name, norm.num_features, null, null);
            case Sequential:
                return at.Children.Select(child => InputOf(name, child, height, width)).FirstOrDefault(input => input is not null);
            default:
                return null;
        }

        Value Map(long channels) => new(name, channels, height, width);
    }

    private Value TranslateSequence(Value x, List<ModuleAt> children)
    {
        for (var i = 0; i < children.Count; i++)
        {
            ModuleAt? norm = i + 1 < children.Count ? children[i + 1] : null;
            switch (children[i].Module)
            {
                case Conv2d when norm?.Module is BatchNorm2d:
                    x = _layers.Convolution(x, children[i], norm);
                    i++;
                    break;
                case Linear when norm?.Module is BatchNorm1d:
                    x = _layers.Linear(x, children[i], norm);
                    i++;
                    break;
                default:
                    x = Translate(x, children[i]);
                    break;
            }
        }

        return x;
    }
}
