using Microsoft.ML.OnnxRuntime;
using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

public sealed class NetworkAgreementTests
{
    public static TheoryData<string, ImagePreset, PaddingPlacement, double, int, OnnxBatchNorm> Networks()
    {
        var data = new TheoryData<string, ImagePreset, PaddingPlacement, double, int, OnnxBatchNorm>();
        foreach (var norm in Enum.GetValues<OnnxBatchNorm>())
        {
            foreach (var preset in Enum.GetValues<ImagePreset>())
            {
                data.Add(MobileNetV3SmallSpec.TwinName, preset, PaddingPlacement.AfterExpand, 0.5, 5, norm);
                foreach (var placement in Enum.GetValues<PaddingPlacement>())
                {
                    // Two classes of rows at width 0.35, which keeps channel counts small and uneven.
                    data.Add(MobileNetV3SmallSpec.XSepName, preset, placement, 0.35, 7, norm);
                }
            }

            data.Add(MobileNetV3SmallSpec.XSepName, ImagePreset.Cifar, PaddingPlacement.AfterExpand, 1, 0, norm);
            data.Add(MobileNetV3SmallSpec.XSepName, ImagePreset.ImageNet, PaddingPlacement.AfterExpand, 1.4, 3, norm);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Every_network_computes_the_same_in_ONNX_Runtime(
        string model, ImagePreset preset, PaddingPlacement placement, double width, int kernel, OnnxBatchNorm norm)
    {
        var options = new MobileNetV3Options
        {
            NumClasses = 11,
            Preset = preset,
            PaddingPlacement = placement,
            Width = width,
            Kernels = kernel == 0 ? [] : [kernel],
        };
        using var network = Randomised.Eval(
            new MobileNet(NetworkCatalog.Build(model, options)), 5);
        long[][] shapes = preset == ImagePreset.Cifar ? [[1, 3, 33, 31], [7, 3, 19, 32]] : [[1, 3, 97, 65], [7, 3, 47, 64]];
        var file = Agreement.Check(network, new() { BatchNorm = norm }, $"{model}", shapes);
        OnnxFile.RequireNativeNodes(file);
    }

    [Theory]
    [InlineData(MobileNetV3LargeSpec.XSepName, ImagePreset.Cifar, 7, 5, 9, 3)]
    [InlineData(MobileNetV3LargeSpec.TwinName, ImagePreset.ImageNet, 7, 5, 9, 3)]
    [InlineData(MobileNetV3SmallSpec.XSepName, ImagePreset.ImageNet, 31, 29, 27, 13)]
    [InlineData(MobileNetV3SmallSpec.TwinName, ImagePreset.Cifar, 31, 29, 27, 13)]
    [InlineData(MobileNetV3SmallSpec.XSepName, ImagePreset.Cifar, 63)]
    [InlineData(LargeKernelSmallSpec.XSepName, ImagePreset.ImageNet)]
    [InlineData(LargeKernelSmallSpec.XSepName, ImagePreset.Cifar)]
    [InlineData(LargeKernelSmallSpec.TwinName, ImagePreset.Cifar)]
    [InlineData(PublishedSpec.MobileNetV3SmallName, ImagePreset.ImageNet)]
    [InlineData(PublishedSpec.MobileNetV3LargeName, ImagePreset.ImageNet)]
    [InlineData(PublishedSpec.MobileNetV2Name, ImagePreset.ImageNet)]
    [InlineData(PublishedSpec.MobileNetV3SmallName, ImagePreset.Cifar, 7)]
    [InlineData(PublishedSpec.MobileNetV2Name, ImagePreset.Cifar, 5)]
    public void Kernels_of_any_size_compute_the_same_too(string name, ImagePreset preset, params int[] sizes)
    {
        var options = new MobileNetV3Options { NumClasses = 5, Preset = preset, Width = 0.35, Kernels = sizes };
        using var network = Randomised.Eval(new MobileNet(NetworkCatalog.Build(name, options)), 9);
        foreach (var norm in Enum.GetValues<OnnxBatchNorm>())
        {
            OnnxFile.RequireNativeNodes(Agreement.Check(network, new() { BatchNorm = norm }, $"{name} {preset} {norm}", [2, 3, 33, 31]));
        }
    }

    [Theory]
    [InlineData(Activation.ReLU)]
    [InlineData(Activation.ReLU6)]
    [InlineData(Activation.SiLU)]
    public void A_network_of_another_nonlinearity_computes_the_same_in_every_version_of_the_operators(Activation activation)
    {
        var spec = MobileNetV3SmallSpec.XSep(new() { NumClasses = 11, Preset = ImagePreset.Cifar, Width = 0.35, Activation = activation });
        using var network = Randomised.Eval(new MobileNet(spec), 5);
        for (var opset = OnnxExporter.OldestOpsetVersion; opset <= OnnxExporter.NewestOpsetVersion; opset++)
        {
            OnnxFile.RequireNativeNodes(Agreement.Check(network, new() { Opset = opset }, $"{activation}, opset {opset}", [2, 3, 33, 31]));
        }
    }

    [Theory]
    [InlineData("MobileNetV2")]
    [InlineData("MobileNetV3-Small")]
    public void The_inverted_residuals_of_the_papers_compute_the_same(string name)
    {
        foreach (var norm in Enum.GetValues<OnnxBatchNorm>())
        {
            using var network = Randomised.Eval(new MobileNet(PaperNetworks.Of(name, 0.5, small: true)), 5);
            OnnxFile.RequireNativeNodes(Agreement.Check(network, new() { BatchNorm = norm }, $"{name}, {norm}", [2, 3, 33, 31]));
        }
    }

    [Theory]
    [InlineData(OnnxBatchNorm.Folded)]
    [InlineData(OnnxBatchNorm.Kept)]
    public void Every_version_of_the_operators_computes_the_same_whatever_is_optimised(OnnxBatchNorm norm)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var network = Randomised.Eval(
            new MobileNet(MobileNetV3SmallSpec.XSep(new() { NumClasses = 11, Preset = ImagePreset.Cifar, Width = 0.35 })), 5);
        var files = Enumerable.Range(OnnxExporter.OldestOpsetVersion, OnnxExporter.NewestOpsetVersion - OnnxExporter.OldestOpsetVersion + 1)
            .Select(opset => (opset, OnnxRuntime.Export(network, new() { BatchNorm = norm, Opset = opset }))).ToList();
        var x = randn(3, 3, 33, 31);
        network.to(ScalarType.Float64);
        var expected = network.call(x.to(ScalarType.Float64));
        foreach (var (opset, file) in files)
        {
            foreach (var level in Enum.GetValues<GraphOptimizationLevel>())
            {
                using var runtime = new OnnxRuntime(file, level);
                Agreement.Compare(expected, runtime.Run(x), Agreement.Bound, $"opset {opset}, {level}");
            }
        }
    }

    [Fact]
    public void A_network_whose_last_layer_of_a_stage_pads_symmetrically_computes_the_same()
    {
        var notes = MobileNetV3SmallSpec.XSep(new() { NumClasses = 4, Preset = ImagePreset.Cifar, Width = 0.5 });
        // Three XSep rows at one resolution: the last is Symmetric.
        var spec = notes with { Blocks = [.. notes.Blocks.Where((_, i) => i != 5)] };
        Assert.Contains(PaddingDirection.Symmetric, spec.Paddings().OfType<PaddingDirection>());
        foreach (var placement in Enum.GetValues<PaddingPlacement>())
        {
            using var network = Randomised.Eval(new MobileNet(spec with { PaddingPlacement = placement }), 6);
            OnnxFile.RequireNativeNodes(Agreement.Check(network, new(), $"{placement}", [2, 3, 33, 31]));
        }
    }

    [Fact]
    public void An_image_of_one_fixed_size_computes_the_same_and_other_sizes_are_refused()
    {
        using var network = Randomised.Eval(new XSepMobileNetV3Small(10, ImagePreset.Cifar), 7);
        var file = Agreement.Check(network, new() { Size = (29, 33) }, "fixed size", [1, 3, 29, 33], [7, 3, 29, 33]);
        using var runtime = new OnnxRuntime(file);
        Assert.ThrowsAny<Exception>(() => runtime.Run(zeros(1, 3, 33, 29)));
    }

    [Theory]
    [InlineData(PixelRange.ZeroTo255, OnnxBatchNorm.Folded)]
    [InlineData(PixelRange.ZeroTo255, OnnxBatchNorm.Kept)]
    [InlineData(PixelRange.ZeroToOne, OnnxBatchNorm.Kept)]
    public void Baked_in_normalisation_equals_normalising_before(PixelRange pixels, OnnxBatchNorm norm)
    {
        using var network = Randomised.Eval(new XSepMobileNetV3Small(10, ImagePreset.Cifar), 8);
        // A mean far from 0: zeros that the stem pads before or after the normalisation are far apart.
        var normalization = new OnnxNormalization([0.9, 0.5, 0.1], [0.3, 0.2, 0.1], pixels);
        Agreement.Check(network, new() { BatchNorm = norm, Normalization = normalization }, $"{pixels}", [1, 3, 17, 15], [7, 3, 8, 9]);
    }
}
