using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Models;

/// <summary>
/// What a program sets for tensors of its own (<c>set_default_dtype</c>, <c>set_default_device</c>) is not what a file holds.
/// </summary>
public sealed class DefaultTypeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_network_is_of_float32_whatever_the_default_type()
    {
        var options = new MobileNetV3Options { NumClasses = 2, Preset = ImagePreset.Cifar, Width = 0.25 };
        using var scope = NewDisposeScope();
        set_default_dtype(ScalarType.Float64);
        try
        {
            var network = new XSepMobileNetV3Small(options);
            network.SaveSafeTensors(_folder.File("network"));
            Require(network);
            Require(MobileNet.FromSafeTensors(_folder.File("network")));
            Require(new XSepConv2d(4, 5));
            Require(new SeModule(8));
        }
        finally
        {
            set_default_dtype(ScalarType.Float32);
        }

        static void Require(nn.Module module) => Assert.All(
            module.parameters().Concat(module.buffers()).Where(tensor => tensor.is_floating_point()),
            tensor => Assert.Equal(ScalarType.Float32, tensor.dtype));
    }

    [Fact]
    public void Tensors_of_a_file_are_made_in_memory_whatever_the_default_device()
    {
        set_default_device(META);
        try
        {
            using var tensor = TensorBytes.Create(new("a", SafeTensorType.F32, [2]), [0, 0, 128, 63, 0, 0, 0, 64]);
            Assert.Equal([1f, 2f], tensor.data<float>().ToArray());
        }
        finally
        {
            set_default_device(CPU);
        }
    }
}
