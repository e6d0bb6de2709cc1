using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Parity;

public class StateDictKeyTests
{
    [Fact]
    public void The_default_network_has_PyTorchs_keys_and_shapes()
    {
        using var network = new XSepMobileNetV3Small();
        var ours = network.state_dict().Select(entry => $"{entry.Key} [{string.Join(", ", entry.Value.shape)}]");

        // In any order: TorchSharp lists fields, PyTorch registrations, and loading goes by name.
        Assert.Equal(File.ReadAllLines(RepositoryFiles.Fixture("state-dict-keys.txt")).Order(StringComparer.Ordinal), ours.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    public void Batch_counters_are_integers_whatever_the_weights_are(ScalarType dtype)
    {
        using var network = new MobileNet(MobileNetV3SmallSpec.XSep(new() { Width = 0.125, NumClasses = 2 }), dtype: dtype);
        var counters = network.state_dict().Where(entry => entry.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(counters);
        Assert.All(counters, entry => Assert.Equal(ScalarType.Int64, entry.Value.dtype));
        Assert.All(network.parameters(), parameter => Assert.Equal(dtype, parameter.dtype));
    }
}
