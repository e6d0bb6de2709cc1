using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>What runs on CUDA gives what the CPU gives. Skipped where there is no CUDA device.</summary>
public sealed class CudaTests
{
    private const string Why = "Torch sees no CUDA device here, so nothing was compared with it.";

    private static readonly MobileNetV3Options s_small = new() { Preset = ImagePreset.Cifar, NumClasses = 10, Width = 0.35 };

    [Theory]
    [InlineData(3, PaddingDirection.RightBottom)]
    [InlineData(5, PaddingDirection.LeftTop)]
    [InlineData(7, PaddingDirection.Symmetric)]
    [InlineData(31, PaddingDirection.RightTop)]
    public void An_XSepConv_has_the_CPU_s_output_and_gradients(int kernel, PaddingDirection padding)
    {
        Assert.SkipUnless(cuda.is_available(), Why);
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var x = randn(4, 24, 9, 11, ScalarType.Float64);
        using var module = new XSepConv2d(24, kernel, padding: padding, dtype: ScalarType.Float64);
        var expected = Run(module, x);

        var actual = Run(module.to(CUDA), x.cuda());

        // Sums of at most 396 products in float64, of numbers below 100.
        Assert.All(expected.Zip(actual), pair => Assert.True((pair.First - pair.Second.cpu()).abs().max().ToDouble() < 1e-9));
    }

    /// <summary>Float64 has 53 bits; batch norms of a few values multiply its rounding by thousands, and so leave nine digits of sixteen.</summary>
    [Theory]
    [MemberData(nameof(Networks))]
    public void A_network_trains_there_as_on_the_CPU(string name)
    {
        Assert.SkipUnless(cuda.is_available(), Why);
        using var scope = NewDisposeScope();
        random.manual_seed(2);
        var spec = NetworkCatalog.Build(name, s_small);
        var (images, labels) = (randn(8, 3, 32, 32, ScalarType.Float64), randint(0, 10, [8], ScalarType.Int64));
        using var there = new MobileNet(spec, CUDA, ScalarType.Float64);
        using var here = new MobileNet(spec, dtype: ScalarType.Float64);
        StagePair.Copy(there, here);

        var expected = Train(here, images, labels);
        var actual = Train(there, images.cuda(), labels.cuda());

        Assert.All(expected.Keys, key => Assert.InRange(Distance(actual[key], expected[key]), 0, 1e-7));
    }

    /// <summary>cuDNN's convolutions of float32 may round their factors to TF32's 11 bits; a network of some thirty layers keeps two digits of three.</summary>
    [Theory]
    [MemberData(nameof(Networks))]
    public void An_evaluation_gives_the_CPU_s_logits_before_and_after_a_step(string name)
    {
        Assert.SkipUnless(cuda.is_available(), Why);
        using var scope = NewDisposeScope();
        random.manual_seed(3);
        using var network = new MobileNet(NetworkCatalog.Build(name, s_small), CUDA);
        var (images, labels) = (randn(16, 3, 32, 32), randint(0, 10, [16], ScalarType.Int64));
        using var optimizer = optim.SGD(network.parameters(), learningRate: 0.05);
        using var here = new MobileNet(network.Spec);
        for (var step = 0; step < 2; step++)
        {
            StagePair.Copy(network, here);
            Assert.InRange(Distance(Evaluate(network, images.cuda()), Evaluate(here, images)), 0, 2e-2);
            network.train();
            nn.functional.cross_entropy(network.call(images.cuda()), labels.cuda()).backward();
            optimizer.step();
        }
    }

    [Fact]
    public void A_network_there_is_saved_compiled_and_exported_as_the_same_network_here()
    {
        Assert.SkipUnless(cuda.is_available(), Why);
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        random.manual_seed(4);
        using var there = new MobileNet(MobileNetV3SmallSpec.XSep(s_small), CUDA);
        Train(there, randn(8, 3, 32, 32, device: CUDA), zeros(8, ScalarType.Int64, CUDA));
        using var here = new MobileNet(there.Spec);
        StagePair.Copy(there, here);
        var (one, other) = (folder.File("there.safetensors"), folder.File("here.safetensors"));
        there.SaveSafeTensors(one);
        here.SaveSafeTensors(other);
        Assert.Equal(File.ReadAllBytes(other), File.ReadAllBytes(one));

        using var written = new MemoryStream();
        using var expected = new MemoryStream();
        there.eval();
        here.eval();
        OnnxExporter.Export(there, written);
        OnnxExporter.Export(here, expected);
        Assert.Equal(expected.ToArray(), written.ToArray());

        using var session = there.Compile().CreateSession(height: 32, width: 32);
        var image = randn(1, 3, 32, 32);
        var logits = new float[10];
        session.Run(image.data<float>().ToArray(), logits);
        Assert.InRange(Distance(tensor(logits), Evaluate(here, image).flatten()), 0, 1e-4);

        using var loaded = MobileNet.FromSafeTensors(other, CUDA);
        Assert.All(loaded.parameters(), parameter => Assert.Equal(DeviceType.CUDA, parameter.device_type));
    }

    [Fact]
    public void What_does_not_run_there_is_refused_by_name()
    {
        Assert.SkipUnless(cuda.is_available(), Why);
        using var scope = NewDisposeScope();
        using var module = new XSepConv2d(16, 5, device: CUDA);
        var x = randn(2, 16, 8, 8);
        Assert.Contains("move one with .to(", Assert.ThrowsAny<Exception>(() => module.call(x)).Message, StringComparison.Ordinal);
        module.Backend = XSepBackend.Fused;
        Assert.Contains("cuda", Assert.ThrowsAny<Exception>(() => module.call(x.cuda())).Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("composed", ModelProfile.Of(new XSepConv2d(16, 5, device: CUDA), 2, 16, 8, 8).ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Steps_there_leave_no_tensor_behind()
    {
        Assert.SkipUnless(cuda.is_available(), Why);
        using var network = new MobileNet(MobileNetV3SmallSpec.XSep(s_small), CUDA);
        using var images = randn(4, 3, 32, 32, device: CUDA);
        Step();
        var before = Tensor.TotalCount;
        for (var step = 0; step < 3; step++) Step();
        Assert.Equal(before, Tensor.TotalCount);

        void Step()
        {
            using var scope = NewDisposeScope();
            network.zero_grad();
            network.call(images).square().sum().backward();
        }
    }

    public static TheoryData<string> Networks() => [.. NetworkCatalog.Names];

    private static Tensor Evaluate(MobileNet network, Tensor images)
    {
        network.eval();
        using var noGradients = no_grad();
        return network.call(images).cpu();
    }

    private static Dictionary<string, Tensor> Train(MobileNet network, Tensor images, Tensor labels)
    {
        network.train();
        var x = images.detach().clone().requires_grad_();
        var logits = network.call(x);
        nn.functional.cross_entropy(logits, labels).backward();
        var results = network.named_parameters().ToDictionary(pair => $"gradient of {pair.name}", pair => pair.parameter.grad!);
        foreach (var (name, buffer) in network.named_buffers()) results[name] = buffer;
        (results["logits"], results["gradient of the images"]) = (logits.detach(), x.grad!);
        return results;
    }

    private static double Distance(Tensor actual, Tensor expected)
    {
        var (one, other) = (actual.detach().cpu().to_type(ScalarType.Float64), expected.detach().to_type(ScalarType.Float64));
        return ((one - other).norm() / other.norm().clamp_min(1e-6)).ToDouble();
    }

    private static List<Tensor> Run(XSepConv2d module, Tensor images)
    {
        var x = images.detach().clone().requires_grad_();
        module.zero_grad();
        var y = module.call(x);
        y.square().sum().backward();
        return [y.detach().clone(), x.grad!.clone(), .. module.parameters().Select(parameter => parameter.grad!.clone())];
    }
}
