using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

/// <summary>Networks with kernels of 7 to 31 as ConvNeXt and RepLKNet have them: with a bias and a layer norm, or with batch norm in two branches.</summary>
public class LargeKernelTests
{
    private static readonly long[] Input = [2, 3, 32, 32];

    [Theory]
    [InlineData(7)]
    [InlineData(31)]
    public void ConvNeXt_converts_as_it_is_and_its_layer_norms_stay(int kernel)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(21);
        var network = new LargeKernelNetworks.ConvNeXt(kernel);
        var before = new Snapshot(network);
        var report = XSepConverter.Convert(network, Input);

        Assert.Empty(report.Left);
        Assert.Equal(["stages.0.0.dwconv", "stages.0.1.dwconv", "stages.1.0.dwconv"], report.Replaced.Select(layer => layer.Path));
        Assert.All(report.Replaced, layer => Assert.Equal((kernel, null), (layer.KernelSize, layer.BatchNormPath)));
        Assert.Contains("3 of them had no batch norm after them", report.ToString());
        before.RequireSame(new Snapshot(network), report.Replaced.Select(layer => layer.Path));

        // K² weights and a bias against 4 + 2K and three batch norms, a channel.
        Assert.Equal(8 * ((kernel * kernel) + 1), report.Replaced[0].ParametersBefore);
        Assert.Equal(8 * (4 + (2 * kernel) + 6), report.Replaced[0].ParametersAfter);
        RequireThatItTrains(network);
    }

    [Fact]
    public void Without_batch_norm_is_left_where_that_is_switched_off()
    {
        using var network = new LargeKernelNetworks.ConvNeXt();
        var left = XSepConverter.Preview(network, Input, new() { WithoutBatchNorm = false }).Left;
        Assert.Equal(3, left.Count);
        Assert.All(left, layer => Assert.Equal("no TorchSharp.Modules.BatchNorm2d takes its output, and WithoutBatchNorm is false", layer.Reason));
    }

    [Fact]
    public void RepLKNet_converts_both_branches_and_keeps_the_small_kernels_of_stem_and_transitions()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(22);
        var network = new LargeKernelNetworks.RepLKNet(31, 29, 13);
        var before = new Snapshot(network);
        var report = XSepConverter.Convert(network, Input);

        // On 16×16, 8×8 and 4×4: each of the large kernels reaches over the whole map.
        var stages = new[] { (31, 16), (29, 8), (13, 4) }.Index().ToArray();
        Assert.Equal(
            stages.SelectMany(stage => new[]
            {
                ($"stages.{stage.Index}.0.large_kernel.lkb_origin", stage.Item.Item1, stage.Item.Item2),
                ($"stages.{stage.Index}.0.large_kernel.small_conv", 5, stage.Item.Item2),
            }),
            report.Replaced.Select(layer => (layer.Path[..^".conv".Length], layer.KernelSize, layer.Height)));
        Assert.All(report.Replaced, layer => Assert.Equal($"{layer.Path[..^"conv".Length]}bn", layer.BatchNormPath));
        Assert.Equal(["stem.1.conv", "transitions.0.1.conv", "transitions.1.1.conv"], report.Left.Select(layer => layer.Path));
        Assert.All(report.Left, layer => Assert.Contains("its kernel is 3×3", layer.Reason));
        Assert.DoesNotContain("no batch norm", report.ToString());
        before.RequireSame(new Snapshot(network), report.Replaced.SelectMany(layer => new[] { layer.Path, layer.BatchNormPath! }));
        RequireThatItTrains(network);
    }

    [Theory]
    [InlineData("convnext")]
    [InlineData("replknet")]
    public void A_fit_tells_its_error_by_kernel_size_and_brings_the_output_near(string name)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(23);
        Module<Tensor, Tensor> network = name == "convnext" ? new LargeKernelNetworks.ConvNeXt() : new LargeKernelNetworks.RepLKNet(31, 13);
        foreach (var (path, weight) in network.named_parameters())
        {
            if (weight.dim() == 4 && weight.shape[1] == 1 && weight.shape[2] > 3) SetToWaves(weight);
        }

        network.train();
        for (var i = 0; i < 20; i++) network.call(randn(16, 3, 32, 32));
        network.eval();
        var images = randn(16, 3, 32, 32);
        var expected = network.call(images);
        var report = XSepConverter.Convert(
            network, Input, new() { Initialise = KernelInitialisation.Fit, Calibration = randn(48, 3, 32, 32), FitSteps = 40 });

        int[] kernels = name == "convnext" ? [7] : [5, 13, 31];
        Assert.Equal(kernels, report.FitErrorByKernel.Keys);
        foreach (var k in kernels)
        {
            var errors = report.Replaced.Where(layer => layer.KernelSize == k).Select(layer => layer.FitError!.Value).ToArray();
            Assert.Equal(errors.Sum() / errors.Length, report.FitErrorByKernel[k], 12);
            Assert.InRange(report.FitErrorByKernel[k], 0, 0.25);
            Assert.Contains(FormattableString.Invariant($"{k}×{k} {report.FitErrorByKernel[k]:0.000}"), report.ToString());
        }

        // 1 is what the mean logits would do; kernels of their own, drawn at random, are at about 1 and above.
        var error = ((network.call(images) - expected).square().mean() / expected.var(0, unbiased: false).mean()).sqrt().ToDouble();
        Assert.InRange(error, 0, 0.5);
    }

    [Fact]
    public void Nothing_fitted_has_no_errors()
    {
        using var network = new LargeKernelNetworks.ConvNeXt();
        var report = XSepConverter.Preview(network, Input);
        Assert.Empty(report.FitErrorByKernel);
        Assert.DoesNotContain("fit error", report.ToString());
    }

    // Products of a smooth wave down and one along, another in each channel.
    private static void SetToWaves(Tensor weight)
    {
        using var noGrad = no_grad();
        var k = weight.shape[2];
        for (var c = 0; c < weight.shape[0]; c++)
        {
            var line = (arange(k) - (k / 2)).to(float32);
            var window = exp(-line.square() * (8f / (k * k)));
            weight[c, 0].copy_((window * cos(line * (0.2f * c))).reshape(-1, 1) * (window * cos((line * 0.3f) + c)));
        }
    }

    private static void RequireThatItTrains(Module<Tensor, Tensor> network)
    {
        network.train();
        Assert.Equal([3L, 8], network.call(randn(3, 3, 40, 48)).shape);
        using var optimizer = optim.AdamW(network.parameters(), 0.01);
        var (x, labels) = (randn(16, 3, 32, 32), arange(16).remainder(8));
        var losses = new List<float>();
        for (var step = 0; step < 12; step++)
        {
            optimizer.zero_grad();
            var loss = functional.cross_entropy(network.call(x), labels);
            loss.backward();
            foreach (var (name, parameter) in network.named_parameters())
            {
                Assert.True(parameter.grad is { } gradient && isfinite(gradient).all().item<bool>() && gradient.abs().max().item<float>() > 0, name);
            }

            optimizer.step();
            losses.Add(loss.item<float>());
        }

        // Sixteen images learned by heart: the loss starts near ln 8 = 2.08.
        Assert.True(losses[^1] < 0.8 * losses[0], string.Join(" ", losses));
    }
}
