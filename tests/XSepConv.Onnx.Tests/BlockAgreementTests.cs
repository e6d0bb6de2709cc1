using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

public sealed class BlockAgreementTests
{
    // Not divisible by four, so that the groups of Symmetric differ in size; batch 1 and 7, odd and one-pixel maps.
    private const int In = 6, Expand = 10;
    private static readonly long[][] Shapes = [[1, In, 13, 9], [7, In, 5, 8], [1, In, 1, 1]];

    public static TheoryData<int, int, OnnxBatchNorm> Blocks()
    {
        var data = new TheoryData<int, int, OnnxBatchNorm>();
        foreach (var kernel in new[] { 3, 5, 7 })
        {
            foreach (var stride in new[] { 1, 2 })
            {
                foreach (var norm in Enum.GetValues<OnnxBatchNorm>()) data.Add(kernel, stride, norm);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Every_XSepBlock_computes_the_same_in_ONNX_Runtime(int kernel, int stride, OnnxBatchNorm norm)
    {
        // Activations take turns, so that each comes with every padding, placement, squeeze-excite and shortcut.
        var (seed, activations) = (0, Enum.GetValues<Activation>());
        foreach (var padding in Enum.GetValues<PaddingDirection>())
        {
            foreach (var placement in Enum.GetValues<PaddingPlacement>())
            {
                foreach (var squeeze in new[] { false, true })
                {
                    // Both shortcuts: the input itself, and the 1×1 convolution.
                    foreach (var outputs in new[] { In, 8 })
                    {
                        var activation = activations[(seed + (seed / 4)) % activations.Length];
                        var block = new XSepBlock(kernel, In, Expand, outputs, padding, activation, squeeze, stride, placement);
                        Check(block, norm, $"{padding}, {placement}, {activation}, squeeze-excite {squeeze}, to {outputs}", ++seed);
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Every_SepBlock_computes_the_same_in_ONNX_Runtime(int kernel, int stride, OnnxBatchNorm norm)
    {
        var seed = 0;
        foreach (var activation in Enum.GetValues<Activation>())
        {
            foreach (var squeeze in new[] { SqueezeExcite.None, SqueezeExcite.Expanded })
            {
                foreach (var outputs in new[] { In, 8 })
                {
                    Check(
                        new SepBlock(new(BlockKind.Sep, kernel, In, Expand, outputs, activation, squeeze, stride)), norm,
                        $"{activation}, squeeze-excite {squeeze}, to {outputs}", ++seed);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Every_DwBlock_computes_the_same_in_ONNX_Runtime(int kernel, int stride, OnnxBatchNorm norm)
    {
        var seed = 0;
        foreach (var activation in Enum.GetValues<Activation>())
        {
            foreach (var squeeze in Enum.GetValues<SqueezeExcite>())
            {
                foreach (var outputs in new[] { In, 8 })
                {
                    Check(
                        new DwBlock(kernel, In, Expand, outputs, activation, squeeze, stride), norm,
                        $"{activation}, squeeze-excite {squeeze}, to {outputs}", ++seed);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Every_InvertedResidualBlock_computes_the_same_in_ONNX_Runtime(int kernel, int stride, OnnxBatchNorm norm)
    {
        var seed = 0;
        foreach (var activation in Enum.GetValues<Activation>())
        {
            foreach (var squeezed in new int?[] { null, 3 })
            {
                foreach (var (expand, outputs) in new[] { (Expand, In), (Expand, 8), (In, In) })
                {
                    var row = new BlockSpec(
                        BlockKind.InvertedResidual, kernel, In, expand, outputs, activation, squeezed is null
                            ? SqueezeExcite.None
                            : SqueezeExcite.Expanded, stride)
                    {
                        SqueezeChannels = squeezed,
                    };
                    Check(new InvertedResidualBlock(row), norm, $"{row}", ++seed);
                }
            }
        }
    }

    // Of (In, In) there is no expansion, which would otherwise take the padding of PaddingPlacement.BeforeExpand.
    [Theory]
    [MemberData(nameof(Blocks))]
    public void Every_XSepInvertedResidualBlock_computes_the_same_in_ONNX_Runtime(int kernel, int stride, OnnxBatchNorm norm)
    {
        var seed = 0;
        var activations = Enum.GetValues<Activation>();
        foreach (var padding in Enum.GetValues<PaddingDirection>())
        {
            foreach (var placement in Enum.GetValues<PaddingPlacement>())
            {
                foreach (var (expand, outputs) in new[] { (Expand, In), (Expand, 8), (In, In), (In, 8) })
                {
                    foreach (var squeezed in new int?[] { null, 3 })
                    {
                        var row = new BlockSpec(
                            BlockKind.XSepInvertedResidual, kernel, In, expand, outputs, activations[seed % activations.Length],
                            squeezed is null ? SqueezeExcite.None : SqueezeExcite.Expanded, stride)
                        {
                            SqueezeChannels = squeezed,
                        };
                        Check(new XSepInvertedResidualBlock(row, padding, placement), norm, $"{row}, {padding}, {placement}", ++seed);
                    }
                }
            }
        }
    }

    [Fact]
    public void A_network_of_a_row_without_expansion_that_pads_first_computes_the_same()
    {
        var spec = PublishedSpec.MobileNetV2(new() { NumClasses = 3, Width = 0.25, Kernels = [7] });
        spec = spec with
        {
            PaddingPlacement = PaddingPlacement.BeforeExpand,
            Blocks = [.. spec.Blocks.Select(row => row with { Kind = BlockKind.XSepInvertedResidual })],
        };
        Assert.Equal(spec.Blocks[0].In, spec.Blocks[0].Expand);
        using var network = Randomised.Eval(new MobileNet(spec), 4);
        Agreement.Check(network, new(), "MobileNetV2 that pads first", [2, 3, 65, 47]);
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Every_XSepConv2d_computes_the_same_in_ONNX_Runtime(int kernel, int stride, OnnxBatchNorm norm)
    {
        var seed = 0;
        foreach (var padding in Enum.GetValues<PaddingDirection>())
        {
            foreach (var activation in Enum.GetValues<Activation>())
            {
                Check(new XSepConv2d(In, kernel, stride, padding, activation), norm, $"{padding}, {activation}", ++seed);
            }
        }
    }

    [Theory]
    [InlineData(OnnxBatchNorm.Folded)]
    [InlineData(OnnxBatchNorm.Kept)]
    public void SeModule_computes_the_same_in_ONNX_Runtime(OnnxBatchNorm norm) => Check(new SeModule(In, 3), norm, "squeeze-excite", 1);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void Symmetric_padding_of_few_channels_has_empty_groups(int channels)
    {
        using var operation = Randomised.Eval(new XSepConv2d(channels, 3, padding: PaddingDirection.Symmetric), channels);
        Agreement.Check(operation, new(), $"{channels} channels", [2, channels, 4, 5]);
        using var block = Randomised.Eval(
            new XSepBlock(3, channels, 8, channels, PaddingDirection.Symmetric, placement: PaddingPlacement.BeforeExpand), channels);
        Agreement.Check(block, new(), $"before the expand, {channels} channels", [2, channels, 4, 5]);
    }

    [Fact]
    public void A_sum_of_maps_of_two_sizes_is_never_written()
    {
        var layers = new LayerTranslator(new GraphBuilder(OnnxExporter.NewestOpsetVersion, foldBatchNorm: true));
        var (open, side) = (Extent.Open("H"), Extent.Fixed(31));
        foreach (var (x, y) in new[] { (open, open), (side, side), (Extent.Unknown, side), (open, Extent.Unknown), (open, side) })
        {
            layers.Add(OnnxTensor.Map(2, x, side), OnnxTensor.Map(2, y, side), "add");
        }

        foreach (var (x, y) in new[] { (side, Extent.Fixed(32)), (open, open.Padded(-1)), (open.After(2, 1, 2), open) })
        {
            var error = Assert.Throws<InvalidOperationException>(
                () => layers.Add(OnnxTensor.Map(2, x, side), OnnxTensor.Map(2, y, side), "add"));
            Assert.StartsWith("'add' adds [N, 2, ", error.Message);
        }
    }

    [Fact]
    public void Double_precision_and_a_module_in_training_mode_export_as_float32_in_eval_mode()
    {
        using var block = Randomised.Eval(new XSepBlock(5, In, Expand, In, PaddingDirection.LeftTop), 4);
        var expected = OnnxRuntime.Export(block);
        block.to(ScalarType.Float64);
        block.train();
        Assert.Equal(expected, OnnxRuntime.Export(block));
        Assert.True(block.training);
    }

    private static void Check(nn.Module<Tensor, Tensor> module, OnnxBatchNorm norm, string what, int seed)
    {
        using var owned = Randomised.Eval(module, seed);
        var file = Agreement.Check(owned, new() { BatchNorm = norm }, what, Shapes);
        OnnxFile.RequireNativeNodes(file);
    }
}
