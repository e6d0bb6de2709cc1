using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Runs a module once and notes every layer that has parameters, as it runs.</summary>
internal static class LayerTrace
{
    public static IReadOnlyList<LayerProfile> Run(nn.Module<Tensor, Tensor> module, long[] input)
    {
        using var scope = NewDisposeScope();
        using var untouched = new RandomState();
        using var probing = new Probing(module);
        var layers = new List<LayerProfile>();
        var (ran, backends) = (new List<nn.Module>(), new Dictionary<nn.Module, XSepBackend>());
        var (removers, counted) = (new List<Action>(), new HashSet<Tensor>(ReferenceEqualityComparer.Instance));
        var paddings = new Dictionary<nn.Module, PaddingDirection>();
        var whole = new Dictionary<nn.Module, XSepBackend>();
        var blocks = Everything(module).Select(entry => entry.Module).OfType<IBlock>()
            .Select(block => (Block: block, Backend: block.Whole.HasHooks ? XSepBackend.Composed : block.Stage.Backend))
            .ToList();
        var compiled = Compiled(module);
        using var composed = new ComposedBackends(Everything(module).Select(entry => entry.Module));
        try
        {
            foreach (var (path, child) in Everything(module)) Watch(path, child, layers, ran, removers, paddings, counted);
            var weight = module.parameters().FirstOrDefault();
            removers.AddRange(blocks.Select(entry => NoteWhole(entry.Block, entry.Backend, whole)));
            removers.AddRange(composed.Chosen.Select(entry => NoteBackend(entry.Stage, entry.Backend, backends)));
            module.call(zeros(input, dtype: weight?.dtype, device: weight?.device));
        }
        finally
        {
            foreach (var remove in removers) remove();
        }

        return [.. layers.Select((layer, i) => layer with { Backend = BackendOf(ran[i]), IsCompiled = compiled.Contains(ran[i]) })];

        // A block that does not run as one may still have its stage fused.
        XSepBackend? BackendOf(nn.Module layer)
        {
            var isInBlock = whole.TryGetValue(layer, out var ofBlock);
            if (isInBlock && ofBlock == XSepBackend.Fused) return ofBlock;
            return backends.TryGetValue(layer, out var ofStage) ? ofStage : isInBlock ? ofBlock : null;
        }
    }

    /// <summary>The modules in whose stead their network's plan runs.</summary>
    private static HashSet<nn.Module> Compiled(nn.Module module)
    {
        // Whether one does depends on images by their type and device alone, which are the weights' own.
        var networks = Everything(module).Select(entry => entry.Module).OfType<MobileNet>().Where(network =>
        {
            using var scope = NewDisposeScope();
            var weight = network.parameters().First();
            return network.Evaluation.WhyNot(zeros(1, network.Spec.InputChannels, 1, 1, weight.dtype, weight.device)) is null;
        });
        return [.. networks.SelectMany(network => network.modules())];
    }

    // Each once, wherever it is registered: its hooks see every run.
    private static IEnumerable<(string Path, nn.Module Module)> Everything(nn.Module module) => ModuleState.Modules(module);

    private static void Watch(
        string path, nn.Module module, List<LayerProfile> layers, List<nn.Module> ran, List<Action> removers,
        Dictionary<nn.Module, PaddingDirection> paddings, HashSet<Tensor> counted)
    {
        switch (module)
        {
            case Conv2d conv:
                Count(conv, y => (Kind(conv), y.numel() * conv.weight.shape.Skip(1).Aggregate(1L, (product, size) => product * size)));
                break;
            case Linear linear:
                Count(linear, y => ("linear", y.numel() * linear.weight.shape[1]));
                break;
            case IXSepOperator operation:
                paddings[operation.Conv2x2] = operation.Padding;
                break;
            case BatchNorm1d or BatchNorm2d:
                Count((nn.Module<Tensor, Tensor>)module, _ => ("batch norm", 0));
                break;
            default:
                if (module.parameters(recurse: false).Any() || (!module.children().Any() && module is not nn.Module<Tensor, Tensor>))
                {
                    throw new NotSupportedException(
                        $"'{(path.Length == 0 ? "the module itself" : path)}' is a {TypeName.Of(module.GetType())}, "
                        + "whose MACs can't be counted; "
                        + "convolutions (2d), linear layers, batch norm, activations and pooling can.");
                }

                break;
        }

        void Count(nn.Module<Tensor, Tensor> layer, Func<Tensor, (string Kind, long Macs)> count)
        {
            var remover = layer.register_forward_hook((_, _, y) =>
            {
                var (kind, macs) = count(y);
                var parameters = layer.parameters(recurse: false).Where(counted.Add).Sum(parameter => parameter.numel());
                ran.Add(layer);
                layers.Add(new(path, kind, y.shape, parameters, macs, paddings.TryGetValue(layer, out var padding) ? padding : null));
                return y;
            });
            removers.Add(remover.remove);
        }
    }

    // Hooks run in no order that can be relied on: what they find is put together afterwards.
    private static Action NoteBackend(FusableStage stage, XSepBackend chosen, Dictionary<nn.Module, XSepBackend> backends)
    {
        var remover = stage.Layers[^1].register_forward_hook((_, x, y) =>
        {
            foreach (var layer in stage.Layers) backends[layer] = stage.Resolve(chosen, x);
            return y;
        });
        return remover.remove;
    }

    private static Action NoteWhole(IBlock block, XSepBackend chosen, Dictionary<nn.Module, XSepBackend> backends)
    {
        var remover = ((nn.Module<Tensor, Tensor>)block).register_forward_hook((_, x, y) =>
        {
            foreach (var layer in block.Whole.Layers) backends[layer] = block.Whole.Resolve(chosen, x);
            return y;
        });
        return remover.remove;
    }

    private static string Kind(Conv2d conv)
    {
        var size = $"{conv.weight.shape[2]}×{conv.weight.shape[3]}";
        return conv.groups == 1 ? $"conv {size}" : conv.groups == conv.in_channels ? $"depthwise {size}" : $"grouped {size}";
    }
}
