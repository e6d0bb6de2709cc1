using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// The network that a <see cref="NetworkSpec"/> describes: stem → blocks → 1×1 convolution → global average pool → hidden linear layer →
/// classifier.
/// </summary>
/// <remarks>
/// <para>From the notes on arXiv 2002.12046. State-dict keys equal those of a PyTorch module with the same fields:
/// <c>conv1, bn1, bneck.{i}.…, conv2, bn2, linear3, bn3, linear4</c>, the last three where the spec has them.</para>
/// <para>What a hook on one of its parts gets, such as the map after <c>bneck.3</c>, lives as long as the dispose scope around the call:
/// with hooks, every map that <see cref="forward"/> makes does.</para>
/// <para>In evaluation mode, where no gradients are wanted (<c>no_grad</c>, <c>inference_mode</c>, or nothing requires any), on the CPU
/// in float32, the network runs through a plan of the runtime, as <see cref="Compilation.Compile(MobileNet, DataSpec?)"/> makes it: batch
/// norms folded, convolutions packed, on torch's threads. Before each run the values of all parameters and buffers and the batch norms'
/// epsilon are hashed and compared with what was packed, so that any change is seen, whoever made it and how: an optimizer,
/// <c>load_state_dict</c>, a write through <c>bytes</c>; matrices of linear layers are read where they lie. Threads may evaluate at once.
/// The packed convolutions, as large as the convolutions, go when the network trains or is disposed; of buffers at most four sets wait
/// for images of their size, together of 64 MiB at most for each of torch's threads.</para>
/// <para>Layers run one by one, as in training, where one of them has hooks, is in training mode or is not the one that was built, where
/// the backend is <see cref="XSepBackend.Composed"/>, and where float32 can't hold the folded weights or a logit.</para>
/// <para>A derived class registers its own layers with <c>register_module("name", layer)</c>, since TorchSharp's
/// <c>RegisterComponents()</c>, which is called here, looks for fields once. With layers or a <c>forward</c> of its own it is no longer
/// the network of <see cref="Spec"/>, and is not compiled.</para>
/// <para>Initialised as in the notes: convolutions Kaiming normal by fan-out, batch norm 1 and 0, linear layers normal with σ = 0.001 and
/// bias 0.</para>
/// </remarks>
public partial class MobileNet : nn.Module<Tensor, Tensor>, INetwork
{
    private readonly Conv2d conv1, conv2;
    private readonly BatchNorm2d bn1, bn2;
    private readonly Sequential bneck;
    private readonly Linear? linear3;
    private readonly BatchNorm1d? bn3;
    private readonly Dropout dropout;
    private readonly NetworkLayers _layers;
    private readonly ModuleNorms _norms;
    private readonly ConvolutionStage _stem, _last;
    private Linear? linear4;
    private CompiledEvaluation _evaluation;

    /// <summary>Assembles and initialises the network.</summary>
    /// <param name="spec">The table and what is around it; it is validated.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentException">The spec can't be built; the first ten problems are listed.</exception>
    public MobileNet(NetworkSpec spec, Device? device = null, ScalarType? dtype = null) : base(LibtorchLoading.Before(nameof(MobileNet)))
    {
        ArgumentNullException.ThrowIfNull(spec);
        Spec = spec.Validate();
        var paddings = spec.Paddings();
        _layers = NetworkLayers.Of(spec);
        (conv1, bn1) = LayerModules.Of(_layers.Stem, device, dtype);
        bneck = nn.Sequential(spec.Blocks.Select((block, i) => ($"{i}", (nn.Module<Tensor, Tensor>)(block.Kind switch
        {
            BlockKind.XSep => new XSepBlock(block, paddings[i]!.Value, spec.PaddingPlacement, device, dtype),
            BlockKind.Sep => new SepBlock(block, device, dtype),
            BlockKind.Dw => new DwBlock(block, device, dtype),
            BlockKind.InvertedResidual => new InvertedResidualBlock(block, device, dtype),
            BlockKind.XSepInvertedResidual =>
                new XSepInvertedResidualBlock(block, paddings[i]!.Value, spec.PaddingPlacement, device, dtype),
            _ => throw EnumValues.Unknown(block.Kind),
        }))));
        (conv2, bn2) = LayerModules.Of(_layers.Last, device, dtype);
        if (_layers.Hidden is { } hidden)
        {
            linear3 = LayerModules.Linear(hidden, device, dtype);
            if (hidden.Norm is not null) bn3 = BatchNorms.OfFeatures(hidden.Out, device, dtype);
        }

        dropout = nn.Dropout(spec.Dropout);
        if (_layers.Classifier is { } classifier) linear4 = LayerModules.Linear(classifier, device, dtype);
        (_stem, _last) = (new(conv1, bn1, spec.Activation) { Owner = this }, new(conv2, bn2, spec.Activation) { Owner = this });
        RegisterComponents();
        _norms = new(this, _layers.All, follows: layer => layer != _layers.Last || !HasMoreBlocks);
        foreach (var norm in modules().OfType<NormBase>()) (norm.eps, norm.momentum) = (spec.NormEpsilon, spec.NormMomentum);
        Initialise();
        _evaluation = new(this);
    }

    /// <summary>What this network was built from.</summary>
    public NetworkSpec Spec { get; private set; }

    internal CompiledEvaluation Evaluation => _evaluation;

    string? INetwork.Change() => _evaluation.Change();

    IReadOnlyList<FusableStage> IFusableEnds.Ends => [_stem, _last];

    IEnumerable<nn.Module<Tensor, Tensor>> INetwork.Called =>
    [
        .. _stem.Layers, bneck, .. _last.Layers,
        .. new nn.Module<Tensor, Tensor>?[] { linear3, bn3, dropout, linear4 }.OfType<nn.Module<Tensor, Tensor>>(),
    ];

    /// <summary>What <see cref="forward"/> runs, one after the other.</summary>
    internal IEnumerable<NetworkPart> Parts =>
    [
        new($"{nameof(conv1)} + {nameof(bn1)}", _stem.Forward),
        .. bneck.named_children().Select(
            block => new NetworkPart($"{nameof(bneck)}.{block.name}", ((nn.Module<Tensor, Tensor>)block.module).call)),
        new($"{nameof(conv2)} + {nameof(bn2)}", Last),
        new(HeadName, Classify),
    ];

    /// <summary>Classifies a batch of images.</summary>
    /// <param name="x">[N, C, H, W], normalised as in training; any size from 1×1; N ≥ 2 where batch norms are in training mode.</param>
    /// <returns>Logits, [N, classes]; without a classifier its features, [N, <see cref="NetworkSpec.NumFeatures"/>].</returns>
    /// <exception cref="ArgumentException">
    /// Shape, dtype or device do not fit, or a batch norm in training mode would see one value per channel.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The network was made within <c>inference_mode()</c>, and its batch norms are to count outside.
    /// </exception>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = MapCheck.Require(x, Spec.InputChannels, conv1.weight, GetType().Name);
        if (_evaluation.TryForward(x) is { } logits) return logits.MoveToOuterDisposeScope();
        _norms.RequireStatistics(x, GetType().Name);
        var hooked = LayerHooks.Within(this);
        return scope.Leave(Classify(Last(bneck.Call(_stem.Forward(x), hooked))), hooked);
    }

    /// <summary>Writes the weights with <see cref="Spec"/> in the metadata, so that the file alone says which network it holds.</summary>
    /// <param name="path">A safetensors file; replaced as a whole or not at all.</param>
    /// <param name="metadata">More entries for the file's metadata.</param>
    /// <exception cref="IOException">The file can't be written.</exception>
    /// <exception cref="ObjectDisposedException">
    /// The network, or a module or tensor in it, is disposed; a file that is there stays as it is.
    /// </exception>
    public void SaveSafeTensors(string path, IReadOnlyDictionary<string, string>? metadata = null) =>
        SafeTensorsExtensions.SaveSafeTensors(this, path, metadata);

    /// <summary>Builds the network that a file describes and loads its weights.</summary>
    /// <param name="path">A file that <see cref="SaveSafeTensors"/> or the trainer wrote.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="InvalidDataException">
    /// The file is damaged, describes no network, or its tensors do not fit (the first ten problems are listed), or hold values that are
    /// not finite numbers or variances that are negative.
    /// </exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static MobileNet FromSafeTensors(string path, Device? device = null, ScalarType? dtype = null) =>
        FromSafeTensors(path, new SafeTensorsLoadOptions(), device, dtype);

    /// <summary>
    /// The same, of a file whose keys are called otherwise, such as <c>module.conv1.weight</c>. All tensors must be there, strict or not.
    /// </summary>
    /// <param name="path">A file that says which network it holds.</param>
    /// <param name="options">What is taken off the keys, and how they are renamed.</param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <inheritdoc cref="FromSafeTensors(string, Device, ScalarType?)" path="/exception"/>
    public static MobileNet FromSafeTensors(string path, SafeTensorsLoadOptions options, Device? device = null, ScalarType? dtype = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        using var weights = InitialWeights.Open(path, options);
        return weights.Build(weights.Spec, device, dtype);
    }

    /// <summary>
    /// Builds the network that a file describes for other classes and, if wanted, images of other channels, and loads what fits.
    /// </summary>
    /// <param name="path">A file that <see cref="SaveSafeTensors"/>, the trainer or <see cref="Pretrained.Import"/> wrote.</param>
    /// <param name="numClasses">
    /// How many classes there are; 0 for none, so that the network gives features. Where the file has as many, its classifier is kept,
    /// otherwise <c>linear4</c> is new, initialised as in the notes.
    /// </param>
    /// <param name="inputChannels">
    /// Channels of the images; null for the file's. For one channel the first convolution is summed over the file's; for more its channels
    /// are repeated in turn and scaled by old/new channels, as timm does it.
    /// </param>
    /// <param name="device">Device of the weights; torch's default when null.</param>
    /// <param name="dtype">Type of the weights; float32 when null.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    /// <inheritdoc cref="FromSafeTensors(string, Device, ScalarType?)" path="/exception"/>
    public static MobileNet FromSafeTensors(
        string path, int numClasses, int? inputChannels = null, Device? device = null, ScalarType? dtype = null)
    {
        using var weights = InitialWeights.Open(path);
        return weights.Build(weights.For(numClasses, inputChannels ?? weights.Spec.InputChannels), device, dtype);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _evaluation.Release();
        base.Dispose(disposing);
    }

    private string HeadName
    {
        get
        {
            (string Name, nn.Module? Module)[] all = [(nameof(linear3), linear3), (nameof(bn3), bn3), (nameof(linear4), linear4)];
            return string.Join(" + ", all.Where(part => part.Module is not null).Select(part => part.Name).DefaultIfEmpty("pool"));
        }
    }

    private bool HasMoreBlocks => bneck.Count != Spec.Blocks.Length;

    // Behind modules that the user put after the blocks, its map is known only here.
    private Tensor Last(Tensor x)
    {
        if (HasMoreBlocks && x.dim() == 4) _norms.RequireStatistics(x, GetType().Name, _layers.Last, _layers.Last);
        return _last.Forward(x);
    }

    private Tensor Classify(Tensor x) => Logits(Pooled(x));

    private Tensor Pooled(Tensor x)
    {
        x = nn.functional.adaptive_avg_pool2d(x, 1).flatten(1);
        if (linear3 is not null)
        {
            x = linear3.call(x);
            x = Spec.Activation.Apply(bn3?.call(x) ?? x);
        }

        return x;
    }

    private Tensor Logits(Tensor x) => linear4?.call(dropout.call(x)) ?? x;

    private void Initialise()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var module in modules())
        {
            switch (module)
            {
                case Conv2d conv:
                    nn.init.kaiming_normal_(conv.weight, mode: nn.init.FanInOut.FanOut);
                    break;
                case Linear linear:
                    nn.init.normal_(linear.weight, std: 0.001);
                    nn.init.zeros_(linear.bias!);
                    break;
            }
        }
    }
}
