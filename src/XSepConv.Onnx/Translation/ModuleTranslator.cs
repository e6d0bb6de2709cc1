using TorchSharp.Modules;

namespace XSepConv.Onnx;

/// <summary>Turns a tree of <see cref="ExportableModules"/> into nodes.</summary>
internal sealed class ModuleTranslator(GraphBuilder graph, ExportableModules exportable)
{
    public LayerTranslator Layers { get; } = new(graph);

    public NormTranslator Norms { get; } = new(graph);

    public ActivationTranslator Activations { get; } = new(graph);

    public PoolTranslator Pools { get; } = new(graph);

    public PaddingTranslator Pads { get; } = new(graph);

    public ResizeTranslator Resizes { get; } = new(graph);

    public BlockTranslator Blocks => new(this, exportable);

    public OnnxGraph GraphOf(ModuleAt at) => new(graph, this, at);

    public OnnxTensor Translate(OnnxTensor x, ModuleAt at) => exportable.Find(at).Run(this, x, at);

    /// <summary>One after the other, a batch norm together with the layer before it.</summary>
    public OnnxTensor Sequence(OnnxTensor x, IReadOnlyList<ModuleAt> modules)
    {
        for (var i = 0; i < modules.Count; i++)
        {
            ModuleAt? norm = i + 1 < modules.Count ? modules[i + 1] : null;
            switch (modules[i].Module)
            {
                case Conv2d when norm?.Module is BatchNorm2d && exportable.IsStock(modules[i]) && exportable.IsStock(norm.Value):
                    x = Layers.Convolution(x, modules[i], norm);
                    i++;
                    break;
                case Linear when norm?.Module is BatchNorm1d && exportable.IsStock(modules[i]) && exportable.IsStock(norm.Value):
                    x = Layers.Linear(x, modules[i], norm);
                    i++;
                    break;
                default:
                    x = Translate(x, modules[i]);
                    break;
            }
        }

        return x;
    }

    /// <summary>What a module takes; null if any will do.</summary>
    public OnnxTensor? InputOf(ModuleAt at, Extent height, Extent width)
    {
        return at.Module switch
        {
            MobileNet network => Map(network.Spec.InputChannels),
            IBlock block => Map(block.Layers.Spec.In),
            XSepConv2d operation => Map(operation.Channels),
            SeModule => InputOf(at.Child("se"), height, width),
            Conv2d conv => Map(conv.in_channels),
            BatchNorm2d norm => Map(norm.num_features),
            GroupNorm { weight: { } weight } => Map(weight.numel()),
            Linear linear => OnnxTensor.Features(linear.in_features),
            BatchNorm1d norm => OnnxTensor.Features(norm.num_features),
            // A module of the user's own: its first part, most likely.
            _ => (exportable.TryFind(at)?.Parts?.Invoke(at) ?? at.Children)
                .Select(part => InputOf(part, height, width)).FirstOrDefault(input => input is not null),
        };

        OnnxTensor Map(long channels) => OnnxTensor.Map(channels, height, width);
    }
}
