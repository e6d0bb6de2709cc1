using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>OpenCV, which reads a graph by patterns of its own, computes what the module does (Debian: <c>python3-opencv</c>).</summary>
public sealed class OpenCvTests
{
    private const int In = 6, Expand = 10;

    // One and more images; as many images, or channels, as rows; a row, a pixel.
    private static readonly long[][] Maps = [[1, In, 13, 9], [3, In, 13, 9], [6, In, 6, 6], [10, In, 10, 10], [2, In, 1, 5], [1, In, 1, 1]];

    public static TheoryData<OnnxBatchNorm, int, int> Files()
    {
        var data = new TheoryData<OnnxBatchNorm, int, int>();
        foreach (var norm in Enum.GetValues<OnnxBatchNorm>())
        {
            foreach (var stride in new[] { 1, 2 }) data.Add(norm, stride, OnnxExporter.OpsetVersion);
        }

        data.Add(OnnxBatchNorm.Folded, 1, OnnxExporter.OldestOpsetVersion);
        data.Add(OnnxBatchNorm.Kept, 1, OnnxExporter.NewestOpsetVersion);
        return data;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_block_computes_the_same(OnnxBatchNorm norm, int stride, int opset)
    {
        using var reader = await OpenCv.FindAsync();
        var seed = 0;
        foreach (var (what, make) in Blocks(stride))
        {
            using var module = Randomised.Eval(make(), ++seed);
            reader.Add(module, new() { BatchNorm = norm, Opset = opset }, what, Maps);
            // Where the size is fixed, OpenCV takes one image at a time.
            reader.Add(module, new() { BatchNorm = norm, Opset = opset, Size = (13, 9) }, $"{what}, of one size", Maps[0]);
        }

        await reader.RequireAgreementAsync();
    }

    public static TheoryData<ImagePreset, PaddingPlacement, OnnxBatchNorm, int> Networks()
    {
        var data = new TheoryData<ImagePreset, PaddingPlacement, OnnxBatchNorm, int>();
        foreach (var preset in Enum.GetValues<ImagePreset>())
        {
            data.Add(preset, PaddingPlacement.AfterExpand, OnnxBatchNorm.Folded, OnnxExporter.OpsetVersion);
            data.Add(preset, PaddingPlacement.BeforeExpand, OnnxBatchNorm.Kept, OnnxExporter.OpsetVersion);
            data.Add(preset, PaddingPlacement.AfterExpand, OnnxBatchNorm.Folded, OnnxExporter.OldestOpsetVersion);
            data.Add(preset, PaddingPlacement.AfterExpand, OnnxBatchNorm.Kept, OnnxExporter.NewestOpsetVersion);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public async Task Every_network_computes_the_same(ImagePreset preset, PaddingPlacement placement, OnnxBatchNorm norm, int opset)
    {
        using var reader = await OpenCv.FindAsync();
        var small = new MobileNetV3Options { NumClasses = 11, Preset = preset, PaddingPlacement = placement, Width = 0.35, Kernels = [7] };
        var large = new MobileNetV3Options { NumClasses = 5, Preset = preset, PaddingPlacement = placement, Width = 0.35 };
        var side = preset == ImagePreset.Cifar ? 32 : 224;
        foreach (var spec in new[] { MobileNetV3SmallSpec.XSep(small), MobileNetV3SmallSpec.Twin(small), MobileNetV3LargeSpec.XSep(large),
            MobileNetV3LargeSpec.Twin(large), LargeKernelSmallSpec.XSep(large) })
        {
            using var network = Randomised.Eval(new MobileNet(spec), 5);
            var options = new OnnxExportOptions { BatchNorm = norm, Opset = opset };
            reader.Add(network, options, spec.Name, [1, 3, side, side], [3, 3, side, side], [2, 3, 45, 67]);
            reader.Add(network, options with { Size = (side, side) }, $"{spec.Name}, of one size", [1, 3, side, side]);
            // As many images as channels; zeros that the stem pads are far from the mean's colour.
            var normalization = new OnnxNormalization([0.9, 0.5, 0.1], [0.3, 0.2, 0.1], PixelRange.ZeroToOne);
            reader.Add(network, options with { Normalization = normalization }, $"{spec.Name}, normalised", [1, 3, side, side],
                [3, 3, 33, 47], [2, 3, 33, 47]);
        }

        await reader.RequireAgreementAsync();
    }

    [Theory]
    [InlineData(OnnxBatchNorm.Folded)]
    [InlineData(OnnxBatchNorm.Kept)]
    public async Task Sequences_of_stock_layers_compute_the_same(OnnxBatchNorm norm)
    {
        using var reader = await OpenCv.FindAsync();
        for (var opset = OnnxExporter.OldestOpsetVersion; opset <= OnnxExporter.NewestOpsetVersion; opset++)
        {
            foreach (var (what, module, shapes) in Sequences.All())
            {
                using var owned = module;
                if (module.modules().OfType<TorchSharp.Modules.ReLU6>().Any()) continue;
                reader.Add(module, new() { BatchNorm = norm, Opset = opset }, $"{what}, opset {opset}", shapes);
            }
        }

        await reader.RequireAgreementAsync();
    }

    // What OpenCV can't do, as docs/interop.md states it: the Clip of ReLU6 with its bounds as inputs, which they are in all versions.
    [Fact]
    public async Task ReLU6_is_refused_or_right()
    {
        using var reader = await OpenCv.FindAsync();
        foreach (var (what, module, shapes) in Sequences.All()) reader.Add(module, new(), what, shapes);
        await reader.RequireAgreementAsync(refusalsAreFine: true);
    }

    // What OpenCV does not read of the other layers it says, but for two that it computes otherwise, as docs/interop.md states: MaxPool
    // with a dilation, and bilinear interpolation by other than whole factors.
    [Fact]
    public async Task Every_layer_with_every_option_is_refused_or_right()
    {
        using var reader = await OpenCv.FindAsync();
        string[] otherwise = ["MaxPool of pairs", "MaxPool ceil dilated", "Upsample Bilinear False by 1/2",
            "Upsample Bilinear False by 1.7"];
        foreach (var layer in StockLayers.All())
        {
            if (otherwise.Contains(layer.What.Split(" of (")[0])) continue;
            using var module = Randomised.Eval(layer.Make(), 5);
            reader.Add(module, new() { Size = layer.Size }, layer.What, layer.Reference, layer.Shapes);
        }

        await reader.RequireAgreementAsync(refusalsAreFine: true);
    }

    // And more than one image where the size is fixed.
    [Fact]
    public async Task Of_a_network_of_one_size_more_than_one_image_is_refused_or_right()
    {
        using var reader = await OpenCv.FindAsync();
        foreach (var preset in Enum.GetValues<ImagePreset>())
        {
            var side = preset == ImagePreset.Cifar ? 32 : 224;
            using var network = Randomised.Eval(new XSepMobileNetV3Small(4, preset), 3);
            foreach (var images in new[] { 2, 7, 8, 14, 16, 28, 32, 56 })
            {
                if (images * side > 32 * 56) continue;
                reader.Add(network, new() { Size = (side, side) }, $"{preset}", [images, 3, side, side]);
            }
        }

        await reader.RequireAgreementAsync(refusalsAreFine: true);
    }

    private static IEnumerable<(string What, Func<nn.Module<Tensor, Tensor>> Make)> Blocks(int stride)
    {
        yield return ("squeeze-excite", () => new SeModule(In, 3));
        // OpenCV 4.6 reads no Clip whose bounds are inputs, as they are from version 11 of the operators on: ReLU6 is not for it.
        foreach (var activation in Enum.GetValues<Activation>().Where(activation => activation != Activation.ReLU6))
        {
            foreach (var padding in Enum.GetValues<PaddingDirection>())
            {
                yield return ($"XSepConv2d {activation}, {padding}", () => new XSepConv2d(In, 5, stride, padding, activation));
            }

            foreach (var outputs in new[] { In, 8 })
            {
                foreach (var squeeze in Enum.GetValues<SqueezeExcite>())
                {
                    var what = $"{activation}, squeeze-excite {squeeze}, to {outputs}";
                    yield return ($"Dw {what}", () => new DwBlock(3, In, Expand, outputs, activation, squeeze, stride));
                    if (squeeze == SqueezeExcite.Output) continue;
                    yield return ($"Sep {what}", () =>
                        new SepBlock(new(BlockKind.Sep, 3, In, Expand, outputs, activation, squeeze, stride)));
                    foreach (var padding in Enum.GetValues<PaddingDirection>())
                    {
                        foreach (var placement in Enum.GetValues<PaddingPlacement>())
                        {
                            yield return (
                                $"XSep {what}, {padding}, {placement}",
                                () => new XSepBlock(5, In, Expand, outputs, padding, activation, squeeze == SqueezeExcite.Expanded,
                                    stride, placement));
                        }
                    }
                }
            }
        }
    }
}
