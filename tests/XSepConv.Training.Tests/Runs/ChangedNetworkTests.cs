using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

/// <summary>A network whose modules are no longer those of its spec, where something is made of that spec.</summary>
[Collection(TorchTests.Name)]
public sealed class ChangedNetworkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string> Changes => ["stride", "dilation", "another layer", "another block"];

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void Its_weights_are_not_averaged_in_another_one(string change)
    {
        using var network = Changed(change);
        var refused = Assert.Throws<ArgumentException>(() => new TrainingStep(network, new() { EmaDecay = 0.9 }, stepsPerEpoch: 2));
        Assert.Equal("network", refused.ParamName);
        Assert.Contains("can't be averaged, since ", refused.Message, StringComparison.Ordinal);

        // As it is it can be trained.
        using var step = new TrainingStep(network, new(), stepsPerEpoch: 2);
        Assert.True(double.IsFinite(step.Run(randn(4, 3, 32, 32), tensor(new[] { 0L, 1, 2, 3 })).Loss));
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void It_is_no_checkpoint(string change)
    {
        using var network = Changed(change);
        var refused = Assert.Throws<ArgumentException>(() => Checkpoint.Save(_folder.At("x.safetensors"), network, RunFolder.Data));
        Assert.Equal("network", refused.ParamName);
        Assert.Contains("can't be saved as a checkpoint, since ", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.At("x.safetensors")));
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void Its_weights_are_saved_without_the_description_of_another_one(string change)
    {
        using var network = Changed(change);
        var path = _folder.At("x.safetensors");
        network.SaveSafeTensors(path);
        Assert.Contains("does not say which network", Assert.Throws<InvalidDataException>(
            () => MobileNet.FromSafeTensors(path)).Message, StringComparison.Ordinal);

        using var same = Changed(change);
        same.LoadSafeTensors(path);
        Equal(network, same);
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void It_is_not_converted(string change)
    {
        using var network = Changed(change);
        Assert.Contains("can't be converted, since ", Assert.Throws<InvalidOperationException>(
            () => NetworkConverter.Convert(network, (32, 32))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_with_another_classifier_and_frozen_stages_is_what_its_spec_says()
    {
        using var network = new MobileNet(TorchTests.Spec(classes: 3));
        network.ResetClassifier(10);
        network.Freeze(2);
        network.SetXSepBackend(XSepBackend.Composed);
        using (var step = new TrainingStep(network, new() { EmaDecay = 0.9 }, stepsPerEpoch: 2))
        {
            step.Run(randn(4, 3, 32, 32), tensor(new[] { 0L, 1, 2, 3 }));
            Assert.NotNull(step.Average);
        }

        var (own, plain) = (_folder.At("own.safetensors"), _folder.At("plain.safetensors"));
        Checkpoint.Save(own, network, RunFolder.Data);
        network.SaveSafeTensors(plain);
        using var loaded = Checkpoint.Load(own);
        using var again = MobileNet.FromSafeTensors(plain);
        Equal(network, loaded.Network);
        Equal(network, again);
    }

    private static void Equal(MobileNet expected, MobileNet actual)
    {
        expected.eval();
        actual.eval();
        expected.SetXSepBackend(XSepBackend.Composed);
        actual.SetXSepBackend(XSepBackend.Composed);
        using var noGrad = no_grad();
        var x = randn(2, 3, 32, 32);
        Assert.True(expected.call(x).equal(actual.call(x)).all().ToBoolean());
    }

    private static MobileNet Changed(string change)
    {
        var network = new MobileNet(TorchTests.Spec());
        var blocks = (Sequential)network.named_modules().First(entry => entry.name == "bneck").module;
        var first = (Conv2d)network.named_modules().First(entry => entry.name == "conv1").module;
        switch (change)
        {
            case "stride":
                first.stride = [1, 1];
                break;
            case "dilation":
                first.dilation = [2, 2];
                break;
            case "another layer":
                blocks.append(nn.Tanh());
                break;
            default:
                blocks.append(new DwBlock(3, 16, 8, 16));
                break;
        }

        return network;
    }
}
