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
}
