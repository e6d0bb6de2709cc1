using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Fits an XSepConv2d to the convolution and the batch norm that it will replace.</summary>
/// <remarks>
/// First in closed form: <see cref="SeparableKernel"/> for each channel, with batch norms that keep the activations where they are nearly
/// linear, and the last batch norm by linear regression. Then Adam on the squared distance of the outputs, nonlinear as they are. The
/// better of the two is kept.
/// </remarks>
internal sealed class OperatorFit
{
    private const double LearningRate = 0.01;

    // Near zero hswish(x) = x/2 + x²/6 and SiLU(x) = x/2 + x²/4: at this size (root mean square) the curvature is a twelfth or an eighth of
    // the slope, and zero stays zero, so that the zeros around a map mean the same before and after it.
    private static readonly Scalar s_smallSignal = 0.25;

    // ReLU and ReLU6 are linear above zero: two standard deviations leave 2 % below, and nothing above 6.
    private static readonly Scalar s_positiveSignal = 2;

    private readonly XSepConv2d _module;
    private readonly ConversionOptions _options;
    private readonly Conv2d[] _convolutions;
    private readonly BatchNorm2d[] _batchNorms;
    private readonly Tensor _x, _expected;
    private readonly bool _padded;

    private OperatorFit(XSepConv2d module, ConversionOptions options, Tensor x, Tensor expected, bool padded)
    {
        (_module, _options, _x, _expected, _padded) = (module, options, x, expected, padded);
        _convolutions = [.. module.children().OfType<Conv2d>()];
        _batchNorms = [.. module.children().OfType<BatchNorm2d>()];
    }

    /// <summary>Sets the new module's weights and statistics.</summary>
    /// <param name="network">In eval mode, without gradients; not changed.</param>
    /// <param name="options">With calibration images.</param>
    /// <param name="expansion">What comes before, where its input is what is padded; null where the new module pads its own.</param>
    /// <returns>Root mean square of the outputs' difference over the standard deviation of the old output.</returns>
    public static double Run(
        nn.Module<Tensor, Tensor> network, DepthwiseCandidate candidate, XSepConv2d module, ConversionOptions options,
        (Conv2d Convolution, BatchNorm2d Norm, Activation Activation)? expansion = null)
    {
        using var scope = NewDisposeScope();
        var weight = candidate.Convolution.weight;
        var precise = weight.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        var images = options.Calibration!.to(weight.dtype, weight.device);
        var (x, expected) = Answers(network, candidate, expansion?.Convolution ?? candidate.Convolution, images, scope);
        module.to(precise);
        if (expansion is var (before, norm, activation))
        {
            x = activation.Apply(norm.call(before.call(DirectionalPadding.Pad(x, module.Padding))));
        }

        (x, expected) = (x.to(precise), expected.to(precise));

        // Adam's steps are absolute, and without a batch norm the old output has any scale: it is fitted at a deviation of 1.
        using Scalar scale = Deviation(expected);
        var fit = new OperatorFit(module, options, x, expected / scale, padded: expansion is not null);
        var error = fit.Run(weight);
        foreach (var parameter in fit._batchNorms[2].parameters()) parameter.mul_(scale);
        module.to(weight.dtype);
        if (!double.IsFinite(error))
        {
            throw new InvalidOperationException(
                $"The fit of '{candidate.Path}' does not converge; use "
                + $"{nameof(KernelInitialisation)}.{nameof(KernelInitialisation.Random)}, or fewer {nameof(ConversionOptions.FitSteps)}.");
        }

        // The error is of float32; what is kept may be narrower.
        if (FiniteWeights.Problem(module) is { } problem)
        {
            throw new InvalidOperationException(
                $"The fit of '{candidate.Path}' leaves the range of {weight.dtype}, the type of its weights: {problem} "
                + "Convert the network in float32, and narrow it then.");
        }

        return error;
    }

    private static (Tensor X, Tensor Expected) Answers(
        nn.Module<Tensor, Tensor> network, DepthwiseCandidate candidate, Conv2d first, Tensor images, DisposeScope scope)
    {
        // Copies, since the network may change its maps in place, in a scope that the network's own do not end.
        Tensor? x = null, expected = null;
        var inputHook = first.register_forward_hook((_, input, output) =>
        {
            scope.Attach(x = input.clone());
            return output;
        });
        var convolutionHook = candidate.Convolution.register_forward_hook((_, _, output) =>
        {
            if (candidate.BatchNorm is null) scope.Attach(expected = output.clone());
            return output;
        });
        var batchNormHook = candidate.BatchNorm?.register_forward_hook((_, _, output) =>
        {
            scope.Attach(expected = output.clone());
            return output;
        });
        try
        {
            network.call(images);
        }
        catch (Exception e)
        {
            throw BadImages(
                $"The network does not run on {nameof(ConversionOptions.Calibration)} of shape [{string.Join(", ", images.shape)}]: "
                + $"{e.Message}",
                e);
        }
        finally
        {
            inputHook.remove();
            convolutionHook.remove();
            batchNormHook?.remove();
        }

        if (x is null || expected is null || !isfinite(expected).all().item<bool>())
        {
            throw BadImages(
                $"With {nameof(ConversionOptions.Calibration)} '{candidate.Path}' gives no finite output; all values must be finite.");
        }

        return (x, expected);

        static ArgumentException BadImages(
            string problem, Exception? inner = null, string argument = nameof(ConversionOptions.Calibration)) =>
            new(problem, argument, inner);
    }

    private double Run(Tensor kernels)
    {
        var error = SetClosedForm(kernels);
        if (_options.FitSteps == 0) return error;

        var closedForm = _module.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
        Descend();
        Calibrate((batchNorm, y) => SetStatistics(batchNorm, y));
        if (Error() is var descended && descended < error) return descended;
        _module.load_state_dict(closedForm);
        return error;
    }

    // With a 2×2 the kernels come nearer on paper. But the map between ends at the borders, which costs more than is gained where the 2×2
    // takes differences of what is smooth and large kernels see borders everywhere. So each channel has what is better on the images.
    private double SetClosedForm(Tensor kernels)
    {
        var product = SeparableKernels(kernels, product: true);
        SetLinear(product);
        var productErrors = ChannelErrors();
        var whole = SeparableKernels(kernels, product: false);
        SetLinear(whole);
        var better = ChannelErrors().le(productErrors).reshape(-1, 1, 1, 1).cpu();
        SetLinear([.. whole.Zip(product, (a, b) => where(better, a, b))]);
        return Error();
    }

    private void SetLinear(Tensor[] weights)
    {
        foreach (var (conv, weight) in _convolutions.Zip(weights)) conv.weight.copy_(weight);
        Calibrate(SetLinear);
    }

    private Tensor[] SeparableKernels(Tensor kernels, bool product)
    {
        var (channels, k) = (_module.Channels, _module.KernelSize);
        var values = TensorBytes.Doubles(kernels);
        var (height, width) = _padded ? (_x.shape[2] - 1, _x.shape[3] - 1) : (_x.shape[2], _x.shape[3]);
        var (twoByTwo, row, column) = (new double[channels * 4], new double[channels * k], new double[channels * k]);
        for (var c = 0; c < channels; c++)
        {
            _options.CancellationToken.ThrowIfCancellationRequested();
            var padding = _module.Padding.ForChannel(c, channels);
            var fit = SeparableKernel.Fit(
                values.AsSpan(c * k * k, k * k), padding, Use(height, padding.IsTop()), Use(width, padding.IsLeft()), product);
            fit.TwoByTwo.CopyTo(twoByTwo, c * 4);
            fit.Row.CopyTo(row, c * k);
            fit.Column.CopyTo(column, c * k);
        }

        double[][] three = [twoByTwo, row, column];
        return [.. _convolutions.Zip(three, (conv, weights) => tensor(weights, device: conv.weight.device).reshape(conv.weight.shape))];

        double[] Use(long size, bool before) => TapUse.Of((int)size, _module.Stride, k + 1, (k / 2) + (before ? 1 : 0));
    }

    // Measures the first two batch norms on all calibration images at once, layer by layer, and the last one with them.
    private void Calibrate(Action<BatchNorm2d, Tensor> set)
    {
        _module.eval();
        var y = _padded ? _x : DirectionalPadding.Pad(_x, _module.Padding);
        for (var i = 0; i < 2; i++)
        {
            y = _convolutions[i].call(y);
            set(_batchNorms[i], y);
            y = _options.Activation.Apply(_batchNorms[i].call(y));
        }

        SetLastBatchNorm(_batchNorms[2], _convolutions[2].call(y));
    }

    private void SetLinear(BatchNorm2d batchNorm, Tensor y)
    {
        var (mean, deviation) = SetStatistics(batchNorm, y);
        if (_options.Activation is Activation.HSwish or Activation.SiLU)
        {
            // A pure scale, zero to zero.
            var scale = mean.square().Plus(deviation.square()).sqrt().reciprocal().mul(s_smallSignal);
            batchNorm.weight.copy_(scale * deviation);
            batchNorm.bias!.copy_(scale * mean);
        }
        else
        {
            // Zero to zero where nothing is negative, else shifted up as far as needed.
            var lowest = (mean - y.amin([0, 2, 3])) / deviation;
            batchNorm.weight.fill_(Scalars.One);
            batchNorm.bias!.copy_(maximum(mean / deviation, lowest.clamp(max: s_positiveSignal)));
        }
    }

    private void SetLastBatchNorm(BatchNorm2d batchNorm, Tensor y)
    {
        var (mean, deviation) = SetStatistics(batchNorm, y);
        var expectedMean = _expected.mean([0, 2, 3]);
        var covariance = ((y - mean.reshape(1, -1, 1, 1)) * (_expected - expectedMean.reshape(1, -1, 1, 1))).mean([0, 2, 3]);
        batchNorm.weight.copy_(covariance / deviation);
        batchNorm.bias!.copy_(expectedMean);
    }

    // The mean, and the deviation as the batch norm sees it, with its epsilon.
    private static (Tensor Mean, Tensor Deviation) SetStatistics(BatchNorm2d batchNorm, Tensor y)
    {
        var mean = y.mean([0, 2, 3]);
        var variance = y.var([0, 2, 3], unbiased: false);
        batchNorm.running_mean!.copy_(mean);
        batchNorm.running_var!.copy_(variance);
        batchNorm.num_batches_tracked!.zero_();
        using Scalar epsilon = batchNorm.eps;
        return (mean, variance.Plus(epsilon).sqrt());
    }

    private void Descend()
    {
        _module.train();
        using var grad = enable_grad();
        var optimizer = _module.parameters().Select(parameter => new AdamMoments(parameter)).ToList();
        try
        {
            for (var step = 0; step < _options.FitSteps; step++) Step(optimizer, step);
        }
        finally
        {
            optimizer.ForEach(moments => moments.Dispose());
        }

        _module.zero_grad(set_to_none: true);
    }

    private void Step(List<AdamMoments> optimizer, int step)
    {
        _options.CancellationToken.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        var batch = Math.Min(_options.FitBatch, _x.shape[0]);
        var first = step * batch % (_x.shape[0] - batch + 1);
        _module.zero_grad();
        var y = Answer(_x.narrow(0, first, batch));
        nn.functional.mse_loss(y, _expected.narrow(0, first, batch)).backward();
        var rate = LearningRate * 0.5 * (1 + Math.Cos(Math.PI * step / _options.FitSteps));
        foreach (var moments in optimizer) moments.Step(rate);
    }

    private Tensor Answer(Tensor x) => _padded ? _module.ForwardPadded(x) : _module.call(x);

    private double Error() => ChannelErrors().mean().sqrt().to(ScalarType.Float64).item<double>() / Deviation(_expected);

    private Tensor ChannelErrors()
    {
        _module.eval();
        return (Answer(_x) - _expected).square().mean([0, 2, 3]);
    }

    // Around the means of the channels. A map that is constant but for rounding, as a kernel of zeros answers, has its size instead, or 1.
    private static double Deviation(Tensor y)
    {
        // At a largest value of 1, where no square leaves the range of float32.
        var largest = y.abs().max().to(ScalarType.Float64).item<double>();
        if (largest == 0) return 1;
        using Scalar most = largest;
        var unit = y / most;
        var deviation = (unit - unit.mean([0, 2, 3], keepdim: true)).square().mean().sqrt().to(ScalarType.Float64).item<double>();
        return largest * (deviation > 1e-5 ? deviation : 1);
    }
}
