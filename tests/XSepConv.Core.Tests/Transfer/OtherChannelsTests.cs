using TorchSharp;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Transfer;

/// <summary>Networks for other classes and other channels than a file's: timm's formula, worked by hand and by PyTorch.</summary>
public sealed class OtherChannelsTests(TorchVisionWeights weights) : IClassFixture<TorchVisionWeights>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void One_channel_gets_the_sum_and_more_get_each_in_turn_scaled()
    {
        // [O, I, K, K] = [1, 3, 1, 2].
        float[] values = [1, 2, 10, 20, 100, 200];
        Assert.Equal([111, 222], Adapted(values, 3, 1));
        Assert.Equal([.. new[] { 1f, 2, 10, 20 }.Select(value => value * 3 / 2)], Adapted(values, 3, 2));
        Assert.Equal([.. new[] { 1f, 2, 10, 20, 100, 200, 1, 2 }.Select(value => value * 3 / 4)], Adapted(values, 3, 4));
        Assert.Equal(values, Adapted(values, 3, 3));
        Assert.Equal([.. new[] { 1f, 2, 1, 2, 1, 2 }.Select(value => value / 3)], Adapted([1, 2], 1, 3));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(6)]
    public void Logits_are_those_of_torchvisions_network_with_the_weights_adapted_in_PyTorch(int channels)
    {
        weights.Require();
        using var oneThread = new OneThread();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        const PretrainedSource Source = PretrainedSource.TorchVision;
        const string Model = "mobilenet_v3_small";
        var path = weights.File(Source, Model);
        var answers = weights.Answers(Source, Model);
        var (images, logits) = (answers[$"images/{channels}"], answers[$"logits/{channels}"]);
        var file = weights.New($"{channels}.safetensors");
        Assert.Equal(channels, Pretrained.Import(path, Source, Model, file, inputChannels: channels).InputChannels);
        var rgb = weights.New("rgb.safetensors");
        Pretrained.Import(path, Source, Model, rgb);
        foreach (var network in new[]
        {
            MobileNet.FromPretrained(path, Source, Model, channels, dtype: float64), MobileNet.FromSafeTensors(file, dtype: float64),
            MobileNet.FromSafeTensors(rgb, 1000, channels, dtype: float64),
        })
        {
            network.eval();
            var (scale, difference) = (logits.abs().max().item<double>(), (network.call(images) - logits).abs().max().item<double>());

            // PyTorch adapts the weights in float32: one rounding of three additions.
            Assert.True(difference <= 1e-6 * scale, $"off by {difference:E2} of {scale:E2}");
            network.Dispose();
        }

        var data = CompiledModel.Load(file).Data!;
        double[] expected = channels == 1 ? [(0.485 + 0.456 + 0.406) / 3]
            : [.. Enumerable.Range(0, channels).Select(i => new[] { 0.485, 0.456, 0.406 }[i % 3])];
        Assert.Equal(channels, data.Channels);
        Assert.All(expected.Zip(data.Mean), pair => Assert.Equal(pair.First, pair.Second, 1e-15));
    }

    [Fact]
    public void A_file_becomes_a_network_of_other_classes_and_only_the_classifier_is_new()
    {
        using var scope = NewDisposeScope();
        var path = _folder.File("net");
        random.manual_seed(1);
        using var four = new MobileNet(PublishedSpec.MobileNetV2(new() { NumClasses = 4, Width = 0.35 }));
        four.SaveSafeTensors(path);
        var was = four.state_dict();
        foreach (var classes in new[] { 0, 4, 7 })
        {
            using var network = MobileNet.FromSafeTensors(path, classes);
            Assert.Equal(classes, network.Spec.NumClasses);
            foreach (var (key, tensor) in network.state_dict().Where(at => classes == 4
                || !at.Key.StartsWith("linear4", StringComparison.Ordinal)))
            {
                Assert.True(tensor.equal(was[key]).all().ToBoolean(), key);
            }
        }

        // The other way: a network that is there, of any kind, says what it left out.
        using var seven = new MobileNet(four.Spec with { NumClasses = 7 });
        Assert.Contains("'linear4.weight' has shape [4, 1280]", Assert.Throws<InvalidDataException>(() =>
            seven.LoadSafeTensors(path, strict: false)).Message, StringComparison.Ordinal);
        var left = seven.LoadSafeTensors(path, new SafeTensorsLoadOptions { IgnoreMismatchedSizes = true });
        Assert.Equal(["linear4.weight", "linear4.bias"], left.MismatchedKeys);
        Assert.Equal(([], []), (left.MissingKeys.ToArray(), left.UnexpectedKeys.ToArray()));
        Assert.True(seven.get_parameter("conv2.weight")!.equal(was["conv2.weight"]).all().ToBoolean());
        Assert.Throws<ArgumentException>(() => MobileNet.FromSafeTensors(path, -1));
        Assert.Throws<ArgumentException>(() => MobileNet.FromSafeTensors(path, 4, inputChannels: 0));
    }

    private static float[] Adapted(float[] values, int from, int to)
    {
        var taps = values.Length / from;
        var bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values).ToArray();
        var adapted = OtherChannels.Of(new SafeTensor("conv1.weight", SafeTensorType.F32, [1, from, 1, taps], bytes), to);
        Assert.Equal([1, to, 1, taps], adapted.Shape);
        return System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(adapted.Data.Span).ToArray();
    }
}
