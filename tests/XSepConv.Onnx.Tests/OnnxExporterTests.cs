using System.Runtime.InteropServices;
using XSepConv.OnnxFormat;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

public sealed class OnnxExporterTests
{
    [Fact]
    public void The_file_says_its_versions_inputs_outputs_and_what_is_in_it()
    {
        using var network = new XSepMobileNetV3Small(10, ImagePreset.Cifar);
        var info = OnnxFile.Info(OnnxRuntime.Export(network));
        Assert.Equal(7, info.IrVersion);
        Assert.Equal(14, info.Opsets[""]);
        Assert.Single(info.Opsets);
        Assert.Equal("XSepConv for .NET", info.Producer);
        Assert.Equal("xsep-mobilenet-v3-small", info.GraphName);
        Assert.Equal(("images", 1, "N,3,H,W"), Text(Assert.Single(info.Inputs)));
        Assert.Equal(("logits", 1, "N,10"), Text(Assert.Single(info.Outputs)));
        Assert.Equal(network.Spec.ToJson(), info.Metadata[NetworkSpec.MetadataKey]);

        // 2 around the blocks, 5 Dw rows of 3, 6 XSep rows of 5, 2 in a squeeze-excite, 1 in a shortcut.
        var squeezes = network.Spec.Blocks.Count(block => block.SqueezeExcite != SqueezeExcite.None);
        var shortcuts = network.Spec.Blocks.Count(block => block.Stride == 1 && block.In != block.Out);
        Assert.Equal(2 + (5 * 3) + (6 * 5) + (squeezes * 2) + shortcuts, info.Operators["Conv"]);
        Assert.Equal(2, info.Operators["Gemm"]);
        Assert.Equal(squeezes, info.Operators["HardSigmoid"]);
        Assert.False(info.Operators.ContainsKey("BatchNormalization"));
        Assert.False(info.Operators.ContainsKey("Pad"));
        // Folded, every layer has a weight and a bias.
        Assert.Equal(2 * (info.Operators["Conv"] + 2), info.InitializerCount);
    }

    [Fact]
    public void A_changed_network_is_not_described_as_the_one_that_it_was()
    {
        using var network = new XSepMobileNetV3Small(10, ImagePreset.Cifar);
        network.train();
        Assert.Equal(network.Spec.ToJson(), OnnxFile.Info(OnnxRuntime.Export(network)).Metadata[NetworkSpec.MetadataKey]);

        var stem = (TorchSharp.Modules.Conv2d)network.named_modules().First(entry => entry.name == "conv1").module;
        stem.stride = [stem.stride[0] + 1, stem.stride[1] + 1];
        var info = OnnxFile.Info(OnnxRuntime.Export(network));
        Assert.DoesNotContain(NetworkSpec.MetadataKey, info.Metadata.Keys);
        Assert.NotEqual(network.Spec.Name, info.GraphName);
        Assert.Equal(("images", "logits"), (Assert.Single(info.Inputs).Name, Assert.Single(info.Outputs).Name));
    }

    // The table of ONNX's docs/Versioning.md: which format was released with which operators.
    [Theory]
    [InlineData(11, 6)]
    [InlineData(12, 7)]
    [InlineData(13, 7)]
    [InlineData(14, 7)]
    [InlineData(15, 8)]
    [InlineData(16, 8)]
    [InlineData(17, 8)]
    public void The_version_of_the_format_goes_with_that_of_the_operators(int opset, long irVersion)
    {
        using var network = new XSepMobileNetV3Small(10, ImagePreset.Cifar);
        var info = OnnxFile.Info(OnnxRuntime.Export(network, new() { Opset = opset }));
        Assert.Equal((opset, irVersion), (info.Opsets[""], info.IrVersion));

        // hswish: around the blocks, before the classifier, three in an XSep row and two in a Dw row of that activation.
        var hswish = 3 + network.Spec.Blocks.Where(block => block.Activation == Activation.HSwish).Sum(block => block.Kind == BlockKind.XSep ? 4 : 2);
        var squeezes = network.Spec.Blocks.Count(block => block.SqueezeExcite != SqueezeExcite.None);
        Assert.Equal(opset < 14 ? 0 : hswish, info.Operators.GetValueOrDefault("HardSwish"));
        Assert.Equal(squeezes + (opset < 14 ? hswish : 0), info.Operators["HardSigmoid"]);
        Assert.Equal(squeezes + (opset < 14 ? hswish : 0), info.Operators["Mul"]);
    }

    [Theory]
    [InlineData(int.MinValue)]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(18)]
    [InlineData(int.MaxValue)]
    public void Operators_of_another_version_are_refused(int opset)
    {
        using var module = new SeModule(8);
        var error = Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(module, new() { Opset = opset }));
        Assert.Equal($"Opset is {opset}; 11 to 17 can be written. (Parameter 'options')", error.Message);
    }

    [Fact]
    public void Batch_norm_kept_leaves_the_weights_as_they_are()
    {
        using var network = Randomised.Eval(new XSepMobileNetV3Small(10, ImagePreset.Cifar), 1);
        var model = OnnxFile.Parse(OnnxRuntime.Export(network, new() { BatchNorm = OnnxBatchNorm.Kept }));
        var state = network.state_dict().Where(entry => !entry.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal)).ToDictionary();
        Assert.Equal(state.Keys.Order(), model.Graph.Initializer.Select(tensor => tensor.Name).Order());
        foreach (var initializer in model.Graph.Initializer)
        {
            // A 2×2 that pads on one side stays a 2×2; this network has no Symmetric one.
            Assert.Equal(state[initializer.Name].shape, initializer.Dims);
            Assert.Equal(state[initializer.Name].contiguous().bytes.ToArray(), initializer.RawData.ToByteArray());
        }
    }

    // ONNX's order is top, left, bottom, right.
    [Theory]
    [InlineData(PaddingDirection.RightBottom, new long[] { 0, 0, 1, 1 })]
    [InlineData(PaddingDirection.LeftTop, new long[] { 1, 1, 0, 0 })]
    [InlineData(PaddingDirection.LeftBottom, new long[] { 0, 1, 1, 0 })]
    [InlineData(PaddingDirection.RightTop, new long[] { 1, 0, 0, 1 })]
    public void One_sided_padding_is_an_attribute_of_the_convolution(PaddingDirection direction, long[] pads)
    {
        using var operation = new XSepConv2d(4, 5, padding: direction);
        var conv = OnnxFile.Parse(OnnxRuntime.Export(operation)).Node("conv1");
        Assert.Equal(pads, conv.Integers("pads"));
        Assert.Equal([2, 2], conv.Integers("kernel_shape"));

        using var block = new XSepBlock(5, 4, 8, 4, direction, placement: PaddingPlacement.BeforeExpand);
        var before = OnnxFile.Parse(OnnxRuntime.Export(block));
        Assert.Equal(pads, before.Node("conv1").Integers("pads"));
        Assert.Equal([0, 0, 0, 0], before.Node("conv2").Integers("pads"));
    }

    [Fact]
    public void Symmetric_padding_is_a_row_and_a_column_of_zeros_in_the_kernel()
    {
        using var operation = new XSepConv2d(4, 5, padding: PaddingDirection.Symmetric);
        using (no_grad()) operation.get_parameter("conv1.weight")!.copy_(tensor(new float[] { 1, 2, 3, 4 }).view(1, 1, 2, 2));
        var model = OnnxFile.Parse(OnnxRuntime.Export(operation, new() { BatchNorm = OnnxBatchNorm.Kept }));
        Assert.Equal([1, 1, 1, 1], model.Node("conv1").Integers("pads"));
        // One channel each of left-top, left-bottom, right-top, right-bottom: the kernel looks toward the zeros.
        float[] expected =
        [
            1, 2, 0,  3, 4, 0,  0, 0, 0,
            0, 0, 0,  1, 2, 0,  3, 4, 0,
            0, 1, 2,  0, 3, 4,  0, 0, 0,
            0, 0, 0,  0, 1, 2,  0, 3, 4,
        ];
        var kernel = model.Graph.Initializer.Single(tensor => tensor.Name == "conv1.weight");
        Assert.Equal([4, 1, 3, 3], kernel.Dims);
        Assert.Equal(expected, MemoryMarshal.Cast<byte, float>(kernel.RawData.Span).ToArray());
    }

    [Fact]
    public void Folding_by_hand()
    {
        using var module = nn.Sequential(nn.Conv2d(1, 2, 1, bias: true), nn.BatchNorm2d(2, eps: 0.25));
        using (no_grad())
        {
            module.get_parameter("0.weight")!.copy_(tensor(new float[] { 3, -5 }).view(2, 1, 1, 1));
            module.get_parameter("0.bias")!.copy_(tensor(new float[] { 1, 2 }));
            module.get_parameter("1.weight")!.copy_(tensor(new float[] { 2, 4 }));
            module.get_parameter("1.bias")!.copy_(tensor(new float[] { 10, 20 }));
            module.get_buffer("1.running_mean")!.copy_(tensor(new float[] { 5, 6 }));
            module.get_buffer("1.running_var")!.copy_(tensor(new float[] { 0.75f, 3.75f }));
        }

        // 2 / √(0.75 + 0.25) = 2 and 4 / √(3.75 + 0.25) = 2; biases 10 + 2 (1 − 5) and 20 + 2 (2 − 6).
        var graph = OnnxFile.Parse(OnnxRuntime.Export(module)).Graph;
        Assert.Equal([6f, -10f], Floats(graph, "0.weight"));
        Assert.Equal([2f, 12f], Floats(graph, "0.bias"));
    }

    [Fact]
    public void HardSigmoid_is_relu6_of_x_plus_3_over_6()
    {
        using var module = new SeModule(8);
        var node = OnnxFile.Parse(OnnxRuntime.Export(module)).Graph.Node.Single(node => node.OpType == "HardSigmoid");
        Assert.Equal([("alpha", 1f / 6), ("beta", 0.5f)], node.Attribute.Select(a => (a.Name, a.F)));
    }

    [Fact]
    public void A_fixed_size_is_in_every_shape_and_an_open_one_as_a_formula()
    {
        using var network = new XSepMobileNetV3Small(10);
        var sized = OnnxFile.Parse(OnnxRuntime.Export(network, new() { Size = (225, 97) })).Graph;
        Assert.Equal("N,3,225,97", Shape(sized.Input[0]));
        // 225 → 113 → 57 → 29 → 15 → 8, 97 → 49 → 25 → 13 → 7 → 4.
        Assert.Equal("N,576,8,4", Shape(sized.ValueInfo.Single(value => value.Name == "conv2")));
        var open = OnnxFile.Parse(OnnxRuntime.Export(network)).Graph;
        Assert.Equal("N,576,ceil(H/32),ceil(W/32)", Shape(open.ValueInfo.Single(value => value.Name == "conv2")));
        Assert.Equal("float32 [N, 3, H, W], normalised as in training", open.Input[0].DocString);
        Assert.Equal("float32 [N, 10]", open.Output[0].DocString);
    }

    [Fact]
    public void Class_names_normalisation_and_metadata_go_along()
    {
        using var network = new MobileNet(MobileNetV3SmallSpec.XSep(new() { NumClasses = 2, Width = 0.2, InputChannels = 1 }));
        var options = new OnnxExportOptions
        {
            ClassNames = ["Mütze", "\"bag\""],
            Normalization = new([0.25], [0.5]),
            Metadata = new Dictionary<string, string> { ["trained-on"] = "shapes", ["epoch"] = "3" },
        };
        var file = OnnxRuntime.Export(network, options);
        using var runtime = new OnnxRuntime(file);
        Assert.Equal("""["Mütze","\"bag\""]""", runtime.Metadata[OnnxExporter.ClassesMetadataKey]);
        Assert.Equal("""{"mean":[0.25],"std":[0.5],"pixels":"0..255"}""", runtime.Metadata[OnnxExporter.NormalizationMetadataKey]);
        Assert.Equal("shapes", runtime.Metadata["trained-on"]);
        Assert.Equal(runtime.Metadata.OrderBy(entry => entry.Key), OnnxFile.Info(file).Metadata.OrderBy(entry => entry.Key));
        Assert.Equal("float32 [N, 1, H, W], pixels from 0 to 255", OnnxFile.Parse(file).Graph.Input[0].DocString);
    }

    [Fact]
    public void The_same_network_gives_the_same_bytes()
    {
        using var network = Randomised.Eval(new XSepMobileNetV3Small(10, ImagePreset.Cifar), 2);
        var first = new OnnxExportOptions { Metadata = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" } };
        var second = new OnnxExportOptions { Metadata = new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" } };
        Assert.Equal(OnnxRuntime.Export(network, first), OnnxRuntime.Export(network, second));
    }

    [Fact]
    public void Options_that_do_not_fit_are_refused_with_what_would_be_right()
    {
        using var network = new MobileNet(MobileNetV3SmallSpec.XSep(new() { NumClasses = 2, Width = 0.2 }));
        Refused("The size is 0×5", new() { Size = (0, 5) });
        Refused("There are 3 class names; the module's output is [N, 2].", new() { ClassNames = ["a", "b", "c"] });
        Refused("The normalisation has 1 means and 3 standard deviations; the module takes 3 channels", new() { Normalization = new([0], [1, 1, 1]) });
        Refused("standard deviations finite and above 0", new() { Normalization = new([0, 0, 0], [1, 0, 1]) });
        Refused("range of pixels is 7", new() { Normalization = new([0, 0, 0], [1, 1, 1], (PixelRange)7) });
        Refused("BatchNorm is 5", new() { BatchNorm = (OnnxBatchNorm)5 });
        Refused("entry 'xsepconv.classes', which the exporter writes itself", new() { Metadata = new Dictionary<string, string> { ["xsepconv.classes"] = "[]" } });

        void Refused(string message, OnnxExportOptions options) =>
            Assert.Contains(message, Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(network, options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_smaller_than_a_kernel_is_refused()
    {
        using var module = nn.Sequential(nn.Conv2d(1, 1, 5));
        var error = Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(module, new() { Size = (4, 9) }));
        Assert.Contains("'0' gets a map [N, 1, 4, 9], smaller than its 5×5 kernel", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("conv5.weight", float.NaN)]
    [InlineData("bn2.bias", float.PositiveInfinity)]
    public void Weights_that_are_not_finite_are_named_and_the_old_file_stays(string key, float value)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("block.onnx");
        File.WriteAllText(path, "old");
        using var block = new XSepBlock(3, 4, 8, 4, PaddingDirection.LeftTop);
        using (no_grad()) block.get_parameter(key)!.fill_(value);
        var error = Assert.Throws<ArgumentException>(() => OnnxExporter.Export(block, path, new() { BatchNorm = OnnxBatchNorm.Kept }));
        Assert.Contains(FormattableString.Invariant($"'{key}' has {value} at 0; weights are finite numbers"), error.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Theory]
    [InlineData(OnnxBatchNorm.Folded)]
    [InlineData(OnnxBatchNorm.Kept)]
    public void Batch_norm_s_epsilon_is_the_network_s(OnnxBatchNorm batchNorm)
    {
        using var block = new XSepBlock(3, 4, 8, 4, PaddingDirection.LeftTop);
        foreach (var norm in block.modules().OfType<TorchSharp.Modules.NormBase>()) norm.eps = 0.4;
        block.eval();
        Agreement.Check(block, new() { BatchNorm = batchNorm }, $"{batchNorm}", [2, 4, 7, 6]);
    }

    [Fact]
    public void A_negative_variance_and_what_is_disposed_are_refused_and_the_old_file_stays()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("block.onnx");
        File.WriteAllText(path, "old");
        using var block = new XSepBlock(3, 4, 8, 4, PaddingDirection.LeftTop);
        using (no_grad()) block.get_buffer("bn2.running_var")!.fill_(-0.5);
        Assert.Contains("'bn2.running_var' has -0.5 at 0; a variance is not negative", Assert.Throws<ArgumentException>(() => OnnxExporter.Export(block, path)).Message, StringComparison.Ordinal);
        block.Dispose();
        Assert.Throws<ObjectDisposedException>(() => OnnxExporter.Export(block, path));
        Assert.Equal("old", File.ReadAllText(path));
    }

    [Fact]
    public void An_ONNX_file_given_as_weights_is_called_what_it_is()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("block.onnx");
        using var block = new XSepBlock(3, 4, 8, 4, PaddingDirection.LeftTop);
        OnnxExporter.Export(block, path);
        Assert.Contains("it is an ONNX model", Assert.Throws<InvalidDataException>(() => block.LoadSafeTensors(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_above_2_GB_are_refused_before_they_are_touched()
    {
        // Tensors on the meta device have a shape and no memory.
        using var module = nn.Sequential(nn.Linear(30_000, 20_000, device: new Device("meta")));
        var error = Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(module));
        Assert.Contains("The weights take 2,400,080,000 bytes as float32", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Exporting_leaves_no_tensor_behind()
    {
        using var network = new XSepMobileNetV3Small(4, ImagePreset.Cifar);
        OnnxRuntime.Export(network);
        Finalisers.Run();
        var before = Tensor.TotalCount;
        for (var i = 0; i < 3; i++) OnnxRuntime.Export(network);
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static (string, int, string) Text(OnnxValue value) => (value.Name, value.ElementType, string.Join(',', value.Shape));

    private static string Shape(ValueInfoProto value) =>
        string.Join(',', value.Type.TensorType.Shape.Dim.Select(side => side.HasDimValue ? $"{side.DimValue}" : side.DimParam));

    private static float[] Floats(GraphProto graph, string name) =>
        MemoryMarshal.Cast<byte, float>(graph.Initializer.Single(tensor => tensor.Name == name).RawData.Span).ToArray();
}
