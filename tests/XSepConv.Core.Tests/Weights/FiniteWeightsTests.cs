using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>What is no weight is refused wherever a network is to compute, in the same words; a module is still given what the file holds.</summary>
public sealed class FiniteWeightsTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, double, string> Bad => new()
    {
        { "bneck.4.conv2.weight", double.NaN, "'bneck.4.conv2.weight' has NaN at 5; weights are finite numbers" },
        { "linear4.bias", double.PositiveInfinity, "'linear4.bias' has Infinity at 2; weights are finite numbers" },
        { "bn1.weight", double.NegativeInfinity, "'bn1.weight' has -Infinity at 5; weights are finite numbers" },
        { "bneck.1.bn2.running_mean", double.NaN, "'bneck.1.bn2.running_mean' has NaN at 5; weights are finite numbers" },
        { "bneck.1.bn2.running_var", -0.25, "'bneck.1.bn2.running_var' has -0.25 at 5; a variance is not negative" },
        { "bn3.running_var", double.NaN, "'bn3.running_var' has NaN at 5; weights are finite numbers" },
    };

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void One_rule_names_tensor_value_and_place(string key, double value, string because)
    {
        using var network = Network();
        using (no_grad())
        {
            var tensor = network.state_dict()[key];
            tensor.view(-1)[Math.Min(5, tensor.numel() - 1)] = (float)value;
        }

        var path = _folder.File("network.safetensors");
        network.SaveSafeTensors(path);
        foreach (var use in new Action[] { () => network.Compile(), () => CompiledModel.Load(path), () => MobileNet.FromSafeTensors(path) })
        {
            Assert.Contains(because, Assert.Throws<InvalidDataException>(use).Message);
        }

        using var inspected = Network();
        inspected.LoadSafeTensors(path);
        Assert.Equal((float)value, inspected.state_dict()[key].view(-1)[Math.Min(5, inspected.state_dict()[key].numel() - 1)].item<float>());
    }

    [Fact]
    public void A_type_that_can_t_hold_the_weights_is_refused()
    {
        // 1e5 is more than float16 has.
        using var network = Network();
        using (no_grad()) network.state_dict()["conv1.weight"].fill_(1e5f);
        var path = _folder.File("network.safetensors");
        network.SaveSafeTensors(path);
        Assert.Contains("100000 at 0", Assert.Throws<InvalidDataException>(() => MobileNet.FromSafeTensors(path, dtype: ScalarType.Float16)).Message);
    }

    [Fact]
    public void A_description_of_more_than_the_file_holds_is_refused_before_anything_is_made()
    {
        // A file of 20,000 × 20,000 bytes would hold as many values as the block's 1×1 has, and its floats would take four times as much.
        using var network = Network();
        var spec = network.Spec with { Blocks = [network.Spec.Blocks[0] with { Expand = 20_000, Out = 20_000 }], LastChannels = 8, HiddenFeatures = 8 };
        var path = _folder.File("network.safetensors");
        SafeTensors.Write(path, ModuleState.Tensors(network), new Dictionary<string, string> { [NetworkSpec.MetadataKey] = spec.ToJson() });
        foreach (var load in new Action[] { () => MobileNet.FromSafeTensors(path), () => CompiledModel.Load(path) })
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Contains("but holds only", Assert.Throws<InvalidDataException>(load).Message);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
        }

        // As many values as that, but none of the tensors: nothing is built for the list either.
        var large = network.Spec with { Blocks = [network.Spec.Blocks[0] with { Expand = 2_000, Out = 2_000 }], LastChannels = 8, HiddenFeatures = 8 };
        SafeTensors.Write(path, [new("a", SafeTensorType.U8, [4_000_000], new byte[4_000_000])], new Dictionary<string, string> { [NetworkSpec.MetadataKey] = large.ToJson() });
        foreach (var load in new Action[] { () => MobileNet.FromSafeTensors(path), () => CompiledModel.Load(path) })
        {
            var before = (Bytes: GC.GetAllocatedBytesForCurrentThread(), Tensors: DisposeScopeManager.Statistics.CreatedInScopeCount + DisposeScopeManager.Statistics.CreatedOutsideScopeCount);
            Assert.Contains("'conv1.weight' is missing", Assert.Throws<InvalidDataException>(load).Message);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before.Bytes, 0, 4 << 20);
            Assert.Equal(before.Tensors, DisposeScopeManager.Statistics.CreatedInScopeCount + DisposeScopeManager.Statistics.CreatedOutsideScopeCount);
        }
    }

    private static XSepMobileNetV3Small Network() => new(new MobileNetV3Options { NumClasses = 3, Preset = ImagePreset.Cifar, Width = 0.1 });
}
