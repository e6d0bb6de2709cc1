using TorchSharp;
using XSepConv.Core.Tests.Inference;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Conversion;

/// <summary>Rows of a network's table change their kind, and the result is a network like any other.</summary>
public sealed class NetworkConverterTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    private static MobileNetV3Options Options => new() { NumClasses = 5, Width = 0.25, Preset = ImagePreset.Cifar };

    [Fact]
    public void Rows_of_five_and_more_at_stride_1_are_replaced_and_all_else_is_copied()
    {
        using var noGrad = no_grad();
        using var network = RandomNetworks.Create(PublishedSpec.MobileNetV3Small(Options), 4);
        var before = Values(network);
        var (converted, report) = NetworkConverter.Convert(network, (32, 32));
        using (converted)
        {
            // Of Howard's table: rows 4 to 7, 9 and 10 are 5×5 at stride 1.
            int[] replaced = [4, 5, 6, 7, 9, 10];
            Assert.Equal(replaced.Select(i => $"bneck.{i}.conv2"), report.Replaced.Select(layer => layer.Path));
            Assert.Equal([0, 1, 2, 3, 8], report.Left.Select(layer => int.Parse(layer.Path.Split('.')[1])));
            Assert.Contains("MinKernelStride2 is 7", report.Left[^1].Reason);
            Assert.All(converted.Spec.Blocks.Select((row, i) => (row, i)), at => Assert.Equal(
                replaced.Contains(at.i) ? BlockKind.XSepInvertedResidual : BlockKind.InvertedResidual, at.row.Kind));
            Assert.Equal(before, Values(network));
            var state = converted.state_dict();
            Assert.True(state["bneck.4.conv5.weight"].eq(network.state_dict()["bneck.4.conv3.weight"]).all().ToBoolean());
            Assert.True(state["bneck.4.bn5.running_var"].eq(network.state_dict()["bneck.4.bn3.running_var"]).all().ToBoolean());
            Assert.True(state["bneck.10.se.se.1.bias"].eq(network.state_dict()["bneck.10.se.se.1.bias"]).all().ToBoolean());
            Assert.True(state["linear4.weight"].eq(network.state_dict()["linear4.weight"]).all().ToBoolean());
            Assert.Equal(1e-3, ((TorchSharp.Modules.BatchNorm2d)converted.named_modules().Single(at => at.name == "bneck.4.bn3").module).eps);

            // 4 + 2K for K² taps, and two more batch norms for each channel.
            var channels = replaced.Sum(i => converted.Spec.Blocks[i].Expand);
            Assert.Equal(network.Spec.ParameterCount() + (channels * (4 + 10 - 25 + 4)), converted.Spec.ParameterCount());
            Assert.Equal((network.Spec.ParameterCount(), converted.Spec.ParameterCount()), (report.ParametersBefore, report.ParametersAfter));
            Assert.Equal(report.MacsBefore - report.Replaced.Sum(layer => layer.MacsBefore - layer.MacsAfter), report.MacsAfter);
            Assert.False(converted.training);
        }
    }

    [Fact]
    public void A_fit_that_is_ended_leaves_the_network_as_it_was()
    {
        using var network = RandomNetworks.Create(PublishedSpec.MobileNetV3Small(Options), 4);
        var before = Values(network);
        using var cancel = new CancellationTokenSource();
        var options = new ConversionOptions
        {
            Initialise = KernelInitialisation.Fit,
            Calibration = randn(4, 3, 32, 32),
            FitSteps = int.MaxValue,
            CancellationToken = cancel.Token,
        };
        cancel.CancelAfter(TimeSpan.FromMilliseconds(200));
        Assert.Throws<OperationCanceledException>(() => NetworkConverter.Convert(network, (32, 32), options));
        Assert.Equal(before, Values(network));

        // In a network of other modules too.
        using var convolution = nn.Conv2d(8, 8, 7, padding: 3, groups: 8, bias: false);
        using var other = nn.Sequential(("conv", convolution), ("norm", nn.BatchNorm2d(8)));
        other.eval();
        options = options with { Calibration = randn(4, 8, 16, 16) };
        Assert.Throws<OperationCanceledException>(() => XSepConverter.Convert(other, [1, 8, 16, 16], options));
        Assert.Same(convolution, other.named_children().First().module);
    }

    [Fact]
    public void Modes_and_what_is_trained_stay_as_they_were()
    {
        using var network = new MobileNet(PublishedSpec.MobileNetV3Small(Options));
        network.train();
        network.Freeze(1);
        network.get_parameter("linear4.bias")!.requires_grad = false;
        network.get_parameter("bneck.5.conv2.weight")!.requires_grad = false;
        network.named_modules().Single(at => at.name == "bneck.6.bn2").module.eval();
        using var converted = NetworkConverter.Convert(network, (32, 32)).Network;

        var replaced = converted.Spec.Blocks.Select((row, i) => (row, i)).Where(at => at.row.Kind == BlockKind.XSepInvertedResidual);
        Assert.Contains(5, replaced.Select(at => at.i));
        Assert.All(converted.named_parameters(), entry => Assert.True(
            entry.parameter.requires_grad != (InFirstStage(entry.name) || entry.name is "linear4.bias" or "bneck.5.conv2.weight" or "bneck.5.conv3.weight" or "bneck.5.conv4.weight"), entry.name));
        Assert.All(converted.named_modules().Where(at => at.module is TorchSharp.Modules.BatchNorm2d), at => Assert.True(
            at.module.training != (InFirstStage(at.name) || at.name is "bneck.6.bn2" or "bneck.6.bn3" or "bneck.6.bn4"), at.name));
        converted.train();
        Assert.False(converted.named_modules().Single(at => at.name == "bn1").module.training);

        // At 32×32 the stem and row 0 keep the images' size.
        static bool InFirstStage(string name) => name.Split('.') is ["conv1" or "bn1", ..] or ["bneck", "0", ..];
    }

    // Kernels that are products of a column and a row are XSepConv's own: what is left of the fit is its nonlinearity.
    [Fact]
    public void A_fit_brings_the_answers_near_and_the_checkpoint_compiles()
    {
        using var noGrad = no_grad();
        var rows = PublishedSpec.MobileNetV2(Options).Blocks.Take(3).Select(row => row with { Kernel = 5 });
        var spec = PublishedSpec.MobileNetV2(Options) with { Blocks = [.. rows], LastChannels = 24 };
        using var network = RandomNetworks.Create(spec, 4);
        network.to(float32);
        foreach (var block in Enumerable.Range(0, 3))
        {
            var weight = network.state_dict()[$"bneck.{block}.conv2.weight"];
            weight.copy_(rand(weight.shape[0], 1, 5, 1) * rand(weight.shape[0], 1, 1, 5));
        }

        var images = randn(24, 3, 32, 32);
        var options = new ConversionOptions { MinKernelStride2 = 5 };
        var expected = network.call(images);
        using var random = NetworkConverter.Convert(network, (32, 32), options).Network;
        var (fitted, report) = NetworkConverter.Convert(
            network, (32, 32), options with { Initialise = KernelInitialisation.Fit, Calibration = images, FitSteps = 60 });
        using (fitted)
        {
            Assert.Equal(3, report.Replaced.Count);
            Assert.All(report.Replaced, layer => Assert.InRange(layer.FitError!.Value, 0, 0.6));
            Assert.True(Distance(fitted.call(images)) < 0.5 * Distance(random.call(images)), $"{Distance(fitted.call(images))} of {Distance(random.call(images))}");

            fitted.SaveSafeTensors(_folder.File("fitted"));
            using var again = MobileNet.FromSafeTensors(_folder.File("fitted"));
            again.eval();
            var logits = fitted.call(images).data<float>().ToArray();
            Assert.Equal(logits, again.call(images).data<float>().ToArray());
            foreach (var kernel in KernelRegistry.Available.Select(kernels => kernels.Name))
            {
                using var session = CompiledModel.Load(_folder.File("fitted"), kernel).CreateSession(24, 1, 32, 32);
                var compiled = new float[logits.Length];
                session.Run(images.data<float>().ToArray(), compiled);
                Assert.All(compiled.Zip(logits), pair => Assert.Equal(pair.Second, pair.First, 1e-4 * logits.Max(Math.Abs)));
            }
        }

        double Distance(Tensor logits) => (logits - expected).square().mean().sqrt().ToDouble() / expected.std().ToDouble();
    }

    [Fact]
    public void Rows_of_the_notes_become_XSep_rows()
    {
        using var network = new MobileNet(MobileNetV3SmallSpec.Twin(Options));
        var (converted, report) = NetworkConverter.Convert(network, (32, 32));
        using (converted)
        {
            // The twin of the notes' rows 4 to 7: squeeze-excite on the expanded map, 5×5, stride 1.
            Assert.Equal([4, 5, 6, 7], report.Replaced.Select(layer => int.Parse(layer.Path.Split('.')[1])));
            var notes = MobileNetV3SmallSpec.XSep(Options);
            Assert.Equal(notes.Blocks.Take(8), converted.Spec.Blocks.Take(8));
        }
    }

    // Where the block's input is padded, the border of the expanded map is act(BN(0)), and no zero; and Symmetric, which one row alone has,
    // pads channels on different sides before they are mixed: a fit that pads the expanded map is one to another map.
    [Theory]
    [InlineData(PaddingPlacement.AfterExpand, BlockKind.Dw, 1, 24, 0)]
    [InlineData(PaddingPlacement.AfterExpand, BlockKind.InvertedResidual, 2, 24, 20)]
    [InlineData(PaddingPlacement.BeforeExpand, BlockKind.Dw, 1, 24, 0)]
    [InlineData(PaddingPlacement.BeforeExpand, BlockKind.Dw, 2, 24, 20)]
    [InlineData(PaddingPlacement.BeforeExpand, BlockKind.InvertedResidual, 1, 24, 20)]
    [InlineData(PaddingPlacement.BeforeExpand, BlockKind.InvertedResidual, 2, 24, 0)]
    [InlineData(PaddingPlacement.BeforeExpand, BlockKind.InvertedResidual, 1, 8, 20)]
    public void The_fit_error_is_that_of_the_map_in_the_network(
        PaddingPlacement placement, BlockKind kind, int rows, int expand, int steps)
    {
        using var noGrad = no_grad();
        var row = new BlockSpec(kind, 5, 8, expand, 8, Activation.ReLU, SqueezeExcite.None, 1);
        var spec = PublishedSpec.MobileNetV2(Options) with
        {
            Blocks = [.. Enumerable.Repeat(row, rows)],
            StemChannels = 8,
            LastChannels = 24,
            PaddingPlacement = placement,
        };
        using var network = RandomNetworks.Create(spec, 4);
        var images = randn(8, 3, 10, 7, dtype: float64);
        var (converted, report) = NetworkConverter.Convert(network, (10, 7), new()
        {
            Initialise = KernelInitialisation.Fit,
            Calibration = images,
            FitSteps = steps,
        });
        using (converted)
        {
            var (before, after) = (Map(network, "bneck.0.bn2"), Map(converted, "bneck.0.bn4"));
            var error = (after - before).square().mean().sqrt() / (before - before.mean([0, 2, 3], keepdim: true)).square().mean().sqrt();
            Assert.Equal(error.ToDouble(), report.Replaced[0].FitError!.Value, 1e-9);
        }

        Tensor Map(MobileNet net, string path)
        {
            Tensor? map = null;
            var norm = (TorchSharp.Modules.BatchNorm2d)net.named_modules().Single(at => at.name == path).module;
            var hook = norm.register_forward_hook((_, _, output) => map = output.clone().DetachFromDisposeScope());
            net.call(images);
            hook.remove();
            _scope.Attach(map!);
            return map!;
        }
    }

    // The plan counts all 2×2 of a resolution: one more before, or one after a Symmetric, would move what was trained with its padding.
    // By the paper's rule: 1 row Sym, 2 rows RB LT, 3 rows RB LT Sym, 4 rows RB LT LB RT.
    [Theory]
    [InlineData("DX|D", "X: Sym, not LT")]
    [InlineData("XD|D", "X: Sym, not RB")]
    [InlineData("DXX|D", "XX: RB LT, not LT Sym")]
    [InlineData("DXD|D", "X: Sym, not LT")]
    [InlineData("IX|D", "X: Sym, not LT")]
    [InlineData("DDX|D", null)]
    [InlineData("XXD|D", null)]
    [InlineData("XXDI|DD", null)]
    [InlineData("D|X|D", null)]
    public void Rows_that_are_XSep_already_keep_the_padding_they_were_trained_with(string table, string? conflict)
    {
        using var noGrad = no_grad();
        var rows = table.Select(row => row switch
        {
            'D' => new BlockSpec(BlockKind.Dw, 5, 8, 16, 8, Activation.HSwish, SqueezeExcite.Expanded, 1),
            'X' => new(BlockKind.XSep, 5, 8, 16, 8, Activation.HSwish, SqueezeExcite.Expanded, 1),
            'I' => new(BlockKind.InvertedResidual, 5, 8, 16, 8, Activation.HSwish, SqueezeExcite.None, 1),
            _ => new BlockSpec(BlockKind.InvertedResidual, 3, 8, 16, 8, Activation.HSwish, SqueezeExcite.None, 2),
        });
        var spec = PublishedSpec.MobileNetV2(Options) with { Blocks = [.. rows], StemChannels = 8, LastChannels = 24 };
        using var network = RandomNetworks.Create(spec, 4);
        var (converted, report) = NetworkConverter.Convert(network, (32, 32));
        using (converted)
        {
            var halving = table.IndexOf('|');
            Assert.All(Enumerable.Range(0, table.Length).Where(i => table[i] == 'X'), i =>
            {
                Assert.Equal(spec.Paddings()[i], converted.Spec.Paddings()[i]);
                var x = randn(2, 8, 7, 6, dtype: float64);
                Assert.Equal(TensorBytes.Doubles(Block(network, i).call(x)), TensorBytes.Doubles(Block(converted, i).call(x)));
            });
            var convertible = Enumerable.Range(0, table.Length).Where(i => table[i] is 'D' or 'I');
            Assert.Equal(
                convertible.Where(i => conflict is null || i > halving).Select(i => $"bneck.{i}.conv2"),
                report.Replaced.Select(layer => layer.Path));
            var kept = report.Left.Where(layer => layer.Reason.Contains("keeps the padding", StringComparison.Ordinal));
            Assert.Equal(
                convertible.Where(i => conflict is not null && i < halving).Select(i => $"bneck.{i}.conv2"),
                kept.Select(layer => layer.Path));
            Assert.All(kept, layer => Assert.Contains($"bneck.{table.IndexOf('X')}", layer.Reason));
        }
    }

    [Fact]
    public void Where_no_row_can_be_replaced_without_moving_another_that_is_said()
    {
        // On small images row 0, alone and so Symmetric, shares its resolution with row 1.
        using var network = new MobileNet(MobileNetV3SmallSpec.XSep(Options with { Kernels = [5] }));
        Assert.Equal(PaddingDirection.Symmetric, network.Spec.Paddings()[0]);
        var options = new ConversionOptions { MinKernelStride2 = 5 };
        var error = Assert.Throws<InvalidOperationException>(() => NetworkConverter.Convert(network, (32, 32), options));
        Assert.Contains(
            "bneck.1.conv2: with it bneck.0 would pad RightBottom; that is XSep already and keeps the padding it has, Symmetric;",
            error.Message);
    }

    [Fact]
    public void What_can_not_be_is_refused_and_says_why()
    {
        using var network = new MobileNet(PublishedSpec.MobileNetV2(Options));
        var nothing = Assert.Throws<InvalidOperationException>(() => NetworkConverter.Convert(network, (32, 32)));
        Assert.Contains("bneck.0.conv2: its kernel is 3×3, and MinKernel is 5", nothing.Message);
        var activation = new ConversionOptions { Activation = Activation.ReLU, MinKernel = 3 };
        Assert.Contains("a row has one nonlinearity", Assert.Throws<ArgumentException>(() => NetworkConverter.Convert(network, (32, 32), activation)).Message);
        Assert.Contains("0×32", Assert.Throws<ArgumentException>(() => NetworkConverter.Convert(network, (0, 32))).Message);
    }

    private static nn.Module<Tensor, Tensor> Block(MobileNet network, int row) =>
        (nn.Module<Tensor, Tensor>)network.named_modules().Single(at => at.name == $"bneck.{row}").module;

    private static Dictionary<string, double[]> Values(nn.Module module) =>
        module.state_dict().ToDictionary(entry => entry.Key, entry => TensorBytes.Doubles(entry.Value));
}
