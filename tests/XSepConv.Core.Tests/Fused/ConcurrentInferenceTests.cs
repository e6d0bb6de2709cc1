using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

public class ConcurrentInferenceTests
{
    [Theory]
    [InlineData("XSepConv2d")]
    [InlineData("XSepBlock")]
    [InlineData("DwBlock")]
    [InlineData("network")]
    [InlineData("depthwise network")]
    public void Sixteen_threads_infer_through_one_module_and_get_the_bits_of_one_alone(string name)
    {
        using var threads = new OneThread();
        using var scope = NewDisposeScope();
        random.manual_seed(7);
        var (module, x) = Create(name);
        module.SetXSepBackend(XSepBackend.Fused);
        module.eval();
        using var noGrad = no_grad();
        var expected = module.call(x).bytes.ToArray();
        Assert.Contains(expected, value => value != 0);
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 16 }, _ =>
        {
            using var inner = NewDisposeScope();
            using var innerNoGrad = no_grad();
            set_num_threads(1);
            for (var i = 0; i < 10; i++) Assert.True(module.call(x).bytes.SequenceEqual(expected));
        });
    }

    private static (nn.Module<Tensor, Tensor> Module, Tensor Input) Create(string name)
    {
        var options = new MobileNetV3Options { Width = 0.5, NumClasses = 3, Preset = ImagePreset.Cifar };
        return name switch
        {
            "XSepConv2d" => (new XSepConv2d(20, 5), randn(2, 20, 9, 9)),
            "XSepBlock" => (new XSepBlock(5, 8, 40, 8, PaddingDirection.Symmetric), randn(3, 8, 9, 9)),
            "DwBlock" => (new DwBlock(5, 8, 40, 8, stride: 2), randn(3, 8, 9, 9)),
            "network" => (new XSepMobileNetV3Small(options), randn(2, 3, 32, 32)),
            _ => (new MobileNet(MobileNetV3SmallSpec.Twin(options)), randn(2, 3, 32, 32)),
        };
    }
}
