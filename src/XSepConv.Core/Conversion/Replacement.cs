using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A new module for a candidate, until it is put in or given up.</summary>
internal sealed class Replacement
{
    private readonly DepthwiseCandidate _old;
    private readonly XSepConv2d _new;
    private readonly Identity? _identity;
    private double? _fitError;

    private Replacement(DepthwiseCandidate old, XSepConv2d module)
    {
        (_old, _new) = (old, module);
        _identity = old.BatchNorm is null ? null : nn.Identity();
    }

    public XSepConv2d Module => _new;

    public string Path => _old.Path;

    /// <summary>Makes the new module, in eval mode, as the network is while it is looked at.</summary>
    public static Replacement Create(DepthwiseCandidate candidate, PaddingDirection padding, ConversionOptions options)
    {
        var weight = candidate.Convolution.weight;
        var module = new XSepConv2d(
            candidate.Channels, candidate.KernelSize, candidate.Stride, padding, options.Activation, weight.device, weight.dtype);
        module.eval();
        if (candidate.BatchNorm is { } old)
        {
            foreach (var norm in module.children().OfType<BatchNorm2d>()) (norm.eps, norm.momentum) = (old.eps, old.momentum);
        }

        return new(candidate, module);
    }

    /// <summary>Sets the new module's weights; it is in eval mode again afterwards.</summary>
    public void Fit(nn.Module<Tensor, Tensor> network, ConversionOptions options)
    {
        _fitError = OperatorFit.Run(network, _old, _new, options);
        _new.eval();
    }

    public void PutInto(ModulePlaces places, ModuleSwap swap)
    {
        swap.Replace(places.Of(_old.Convolution), _old.Convolution, _new);
        if (_old.BatchNorm is { } batchNorm) swap.Replace(places.Of(batchNorm), batchNorm, _identity!);
    }

    /// <summary>
    /// Takes over the mode of what was replaced and what of it was trained, and disposes of it. A batch norm that was frozen stays so.
    /// </summary>
    public void TakeOver()
    {
        var training = _old.BatchNorm?.training ?? _old.Convolution.training;
        _new.train(training);
        _identity?.train(training);
        TakeOverRequiresGrad();
        _old.Convolution.Dispose();
        _old.BatchNorm?.Dispose();
    }

    // The last batch norm stands for the old one; all before it for the convolution.
    private void TakeOverRequiresGrad()
    {
        var trained = _old.Convolution.weight.requires_grad;
        foreach (var parameter in _new.parameters()) parameter.requires_grad = trained;
        var last = _new.children().OfType<BatchNorm2d>().Last();
        if (_old.BatchNorm?.weight is { } weight) last.weight.requires_grad = weight.requires_grad;
        if (_old.BatchNorm?.bias is { } bias) last.bias!.requires_grad = bias.requires_grad;
    }

    public void DisposeNew()
    {
        _new.Dispose();
        _identity?.Dispose();
    }

    public ReplacedLayer Describe() => Describe(_old, _new.Padding, _new.Activation, _fitError);

    public static ReplacedLayer Describe(DepthwiseCandidate old, PaddingDirection padding, Activation activation, double? fitError)
    {
        var (k, c) = ((long)old.KernelSize, (long)old.Channels);
        var (images, rows, columns, outRows, outColumns) = (old.Input[0], old.Input[2], old.Input[3], old.Output[2], old.Output[3]);
        return new(
            old.Path,
            old.BatchNormPath,
            old.KernelSize,
            old.Stride,
            old.Channels,
            padding,
            (int)rows,
            (int)columns,
            ParametersBefore: Count(old.Convolution) + (old.BatchNorm is { } batchNorm ? Count(batchNorm) : 0),
            ParametersAfter: c * (4 + (2 * k) + 6),
            MacsBefore: images * c * k * k * outRows * outColumns,
            // 2×2 at full size; 1×K at full height, the stride being in width; K×1 at the size that comes out.
            MacsAfter: images * c * ((4 * rows * columns) + (k * rows * outColumns) + (k * outRows * outColumns)),
            fitError)
        {
            Activation = activation,
            Epsilon = old.BatchNorm?.eps ?? ModuleSettings.DefaultEpsilon,
            Momentum = old.BatchNorm is { } norm ? norm.momentum : ModuleSettings.DefaultMomentum,
        };

        static long Count(nn.Module module) => module.parameters().Sum(parameter => parameter.numel());
    }
}
