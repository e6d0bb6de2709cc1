using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>ONNX's own checker and shape inference, in Python (Debian: <c>python3-onnx</c>).</summary>
public sealed class OnnxCheckerTests
{
    private const string Check = """
        import sys, onnx
        for path in sys.argv[1:]:
            model = onnx.load(path)
            onnx.checker.check_model(model, full_check=True)
            inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
            print(path, len(model.graph.node), len(inferred.graph.value_info))
        print("onnx", onnx.__version__)
        """;

    [Fact]
    public async Task The_checker_accepts_networks_blocks_and_sequences()
    {
        var python = await Python.WithAsync("onnx", "python3-onnx");
        using var folder = new TemporaryFolder();
        List<string> files = [];
        foreach (var norm in Enum.GetValues<OnnxBatchNorm>())
        {
            foreach (var size in new (int, int)?[] { null, (33, 31) })
            {
                var options = new OnnxExportOptions { BatchNorm = norm, Size = size };
                using var network = new MobileNet(
                    MobileNetV3SmallSpec.XSep(new() { NumClasses = 3, Width = 0.35, Preset = ImagePreset.Cifar }));
                Export(network, options with { ClassNames = ["a", "b", "c"], Normalization = new([0.5, 0.5, 0.5], [0.2, 0.2, 0.2]) });
                using var twin = new MobileNet(MobileNetV3SmallSpec.Twin(new() { NumClasses = 3, Width = 0.35 }));
                Export(twin, options);
                foreach (var padding in Enum.GetValues<PaddingDirection>())
                {
                    foreach (var placement in Enum.GetValues<PaddingPlacement>())
                    {
                        using var block = new XSepBlock(5, 6, 10, 8, padding, stride: padding == PaddingDirection.LeftTop ? 2 : 1,
                            placement: placement);
                        Export(block, options);
                    }
                }

                using var sequence = nn.Sequential(
                    nn.Conv2d(3, 8, 3, stride: 2), nn.ReLU(), new DwBlock(3, 8, 16, 8, stride: 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                        nn.Linear(8, 2));
                Export(sequence, options);
            }

            for (var opset = OnnxExporter.OldestOpsetVersion; opset <= OnnxExporter.NewestOpsetVersion; opset++)
            {
                var options = new OnnxExportOptions { BatchNorm = norm, Opset = opset };
                using var network = new MobileNet(
                    MobileNetV3SmallSpec.XSep(new() { NumClasses = 3, Width = 0.35, Preset = ImagePreset.Cifar }));
                Export(network, options with { Normalization = new([0.5, 0.5, 0.5], [0.2, 0.2, 0.2]) });
                foreach (var (_, module, _) in Sequences.All())
                {
                    using var owned = module;
                    Export(module, options);
                }
            }
        }

        foreach (var opset in new[] { OnnxExporter.OldestOpsetVersion, OnnxExporter.OpsetVersion, OnnxExporter.NewestOpsetVersion })
        {
            foreach (var layer in StockLayers.All())
            {
                using var module = layer.Make();
                Export(module, new() { Opset = opset, Size = layer.Size });
            }
        }

        var (exitCode, text) = await Python.RunAsync(python, ["-c", Check, .. files]);
        Assert.True(exitCode == 0, text);
        Assert.Equal(files.Count + 1, text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);

        void Export(nn.Module<Tensor, Tensor> module, OnnxExportOptions options)
        {
            var path = folder.File($"{files.Count}.onnx");
            OnnxExporter.Export(module, path, options);
            files.Add(path);
        }
    }
}
