using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

/// <summary>Labels that are no classes of the images: what they are is said, and nothing is learned of them.</summary>
[Collection(TorchTests.Name)]
public sealed class BadLabelTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string, string> Bad => new()
    {
        { "int32", "Int32" },
        { "float", "Float32" },
        { "one less", "[3]" },
        { "one more", "[5]" },
        { "a column", "[4, 1]" },
        { "one-hot", "[4, 10]" },
        { "too large", "10" },
        { "negative", "-1" },
        { "ignored by torch", "-100" },
    };

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Bad))]
    public void A_step_refuses_them_and_leaves_everything_as_it_was(string kind, string said)
    {
        foreach (var accumulated in new[] { 1, 2 })
        {
            using var network = new MobileNet(TorchTests.Spec() with { Dropout = 0 });
            using var step = new TrainingStep(network, new() { AccumulateBatches = accumulated }, stepsPerEpoch: 4);
            var images = randn(4, 3, 16, 16);
            for (var i = 0; i < accumulated; i++) step.Run(images, tensor(new[] { 0L, 1, 2, 9 }));
            var before = network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
            for (var i = 1; i < accumulated; i++) step.Run(images, tensor(new[] { 0L, 1, 2, 9 }));

            var error = Assert.Throws<ArgumentException>(() => step.Run(images, Labels(kind)));

            Assert.Equal("labels", error.ParamName);
            Assert.Contains(said, error.Message, StringComparison.Ordinal);
            Assert.All(network.state_dict(), entry => Assert.True(entry.Value.equal(before[entry.Key]).all().ToBoolean(), entry.Key));
            Assert.All(network.parameters(), parameter => Assert.Equal(0, parameter.grad!.abs().sum().ToDouble()));
            for (var i = 0; i < accumulated; i++) step.Run(images, tensor(new[] { 0L, 1, 2, 9 }));
            Assert.Equal(2, step.StepsDone);
        }
    }

    // [N, 1] would be a table of every image with every other one's weight.
    [Fact]
    public void So_are_weights_that_are_not_one_for_each_image()
    {
        using var network = new MobileNet(TorchTests.Spec());
        using var step = new TrainingStep(network, new(), stepsPerEpoch: 4);
        var (images, labels) = (randn(4, 3, 16, 16), tensor(new[] { 0L, 1, 2, 9 }));
        foreach (var weights in new[] { ones(4, 1), ones(3), ones(4, dtype: ScalarType.Int64) })
        {
            Assert.Equal("weights", Assert.Throws<ArgumentException>(() => step.Run(new ImageBatch(images, labels, weights))).ParamName);
        }

        Assert.True(double.IsFinite(step.Run(new ImageBatch(images, labels, full(4, 0.7f))).Loss));
    }

    [Fact]
    public void Whatever_fails_after_a_norm_leaves_its_statistics()
    {
        var norm = nn.BatchNorm1d(3);
        using var network = nn.Sequential(("norm", norm), ("linear", nn.Linear(4, 2)));
        using var step = new TrainingStep(network, new(), stepsPerEpoch: 1);
        Assert.ThrowsAny<Exception>(() => step.Run(randn(4, 3), zeros(4, ScalarType.Int64)));
        Assert.Equal([0f, 0, 0], norm.running_mean!.data<float>().ToArray());
        Assert.Equal(0, norm.num_batches_tracked!.ToInt64());
    }

    [Fact]
    public void A_network_of_fewer_classes_is_not_measured()
    {
        using var network = nn.Sequential(("flatten", nn.Flatten()), ("linear", nn.Linear(2, 2)));
        var images = new ImageSplit(new byte[6], new[] { 0, 1, 2 }, channels: 1, height: 1, width: 2);
        var cancel = TestContext.Current.CancellationToken;
        foreach (var refused in new[]
        {
            Assert.Throws<ArgumentException>(() => Evaluator.Evaluate(network, images, new([0], [1]), cancel: cancel)),
            Assert.Throws<ArgumentException>(() => Evaluator.EvaluateByClass(network, images, new([0], [1]), batchSize: 1, cancel: cancel)),
        })
        {
            Assert.Equal("network", refused.ParamName);
            Assert.Contains("2 classes", refused.Message, StringComparison.Ordinal);
            Assert.Contains("label 2", refused.Message, StringComparison.Ordinal);
        }

        using var maps = nn.Conv2d(1, 3, 1);
        Assert.Contains("[3, 3, 1, 2]", Assert.Throws<ArgumentException>(
            () => Evaluator.Evaluate(maps, images, new([0], [1]), cancel: cancel)).Message, StringComparison.Ordinal);
    }

    private static Tensor Labels(string kind) => kind switch
    {
        "int32" => tensor(new[] { 0, 1, 2, 3 }),
        "float" => tensor(new[] { 0f, 1, 2, 3 }),
        "one less" => tensor(new[] { 0L, 1, 2 }),
        "one more" => tensor(new[] { 0L, 1, 2, 3, 4 }),
        "a column" => tensor(new[] { 0L, 1, 2, 3 }).view(4, 1),
        "one-hot" => zeros(4, 10, ScalarType.Int64),
        "too large" => tensor(new[] { 0L, 1, 2, 10 }),
        "negative" => tensor(new[] { 0L, 1, 2, -1 }),
        _ => tensor(new[] { 0L, 1, 2, -100 }),
    };
}
