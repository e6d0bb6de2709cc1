using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

[Collection(TorchTests.Name)]
public sealed class EvaluatorTests
{
    // Three images of one row and two columns; mean 0 and deviation 1 make a byte of 255 the number 1.
    private static readonly ImageSplit Images = new(
        new byte[] { 255, 0, 0, 255, 255, 255 }, new[] { 0, 1, 1 }, channels: 1, height: 1, width: 2);
    private static readonly ImageNormalization Plain = new([0], [1]);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public void Top_1_and_loss_are_those_worked_out_by_hand(int batchSize)
    {
        using var network = TwoPixels();
        var result = Evaluator.Evaluate(network, Images, Plain, batchSize, cancel: TestContext.Current.CancellationToken);

        // Logits (2, 0), (0, 1), (2, 1) for classes 0, 1, 1: two of three are right; the losses are ln(1 + e^-2), ln(1 + e^-1), ln(1 + e).
        var expected = (Math.Log(1 + Math.Exp(-2)) + Math.Log(1 + Math.Exp(-1)) + Math.Log(1 + Math.E)) / 3;
        Assert.Equal(3, result.Images);
        Assert.Equal(2.0 / 3, result.Top1, 1e-15);
        Assert.Equal(expected, result.Loss, 1e-6);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Moved_images_are_measured_as_worked_out_by_hand(bool down)
    {
        // With mean and deviation of a half a byte of 255 is 1, one of 0 is −1, and what comes in 0.
        var halves = new ImageNormalization([0.5], [0.5]);
        var images = down
            ? new ImageSplit(new byte[] { 255, 0, 0, 255, 255, 255 }, new[] { 0, 1, 1 }, channels: 1, height: 2, width: 1)
            : Images;
        using var network = TwoPixels();
        var forward = Shifted(1);
        var back = Shifted(-1);

        // (0, 1), (0, −1), (0, 1) for classes 0, 1, 1.
        Assert.Equal(1.0 / 3, forward.Top1, 1e-15);
        Assert.Equal(((2 * Math.Log(1 + Math.E)) + Math.Log(1 + Math.Exp(-1))) / 3, forward.Loss, 1e-6);

        // (−2, 0), (2, 0), (2, 0).
        Assert.Equal(0, back.Top1);
        Assert.Equal(Math.Log(1 + Math.Exp(2)), back.Loss, 1e-6);
        Assert.Throws<ArgumentOutOfRangeException>(() => Shifted(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => Shifted(int.MinValue));

        EvaluationResult Shifted(int pixels) => Evaluator.EvaluateShifted(
            network, images, halves, down ? 0 : pixels, down ? pixels : 0, cancel: TestContext.Current.CancellationToken);
    }

    // The layers themselves, composed, are what a compiled evaluation is held to: as close as float32 rounding lets the logits be.
    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.AdamW)]
    public void A_compiled_evaluation_sees_every_step_of_the_trainers_optimizers_and_averages(OptimizerKind kind)
    {
        using var scope = NewDisposeScope();
        using var network = new MobileNet(TorchTests.Spec());
        using var optimizer = ParameterOptimizer.Of(new TrainingRecipe { Optimizer = kind }, network, []);
        using var average = new ModelEma(network, 0.5);
        var x = randn(4, network.Spec.InputChannels, 8, 8);
        Tensor? before = null;
        for (var step = 0; step < 3; step++)
        {
            network.train();
            Gradients.Clear(optimizer);
            (network.call(x) - 1).pow(2).sum().backward();
            optimizer.Step(0.05);
            average.Add(step);
            network.eval();
            using var noGrad = no_grad();
            foreach (var measured in new[] { network, average.Network })
            {
                var compiled = measured.call(x);
                measured.SetXSepBackend(XSepBackend.Composed);
                var expected = measured.call(x);
                measured.SetXSepBackend(XSepBackend.Auto);
                Assert.True(compiled.allclose(expected, rtol: 1e-4, atol: 1e-4 * expected.abs().max().item<float>()));
                if (measured == network && before is not null) Assert.False(compiled.allclose(before, rtol: 1e-3));
                if (measured == network) before = compiled;
            }
        }
    }

    [Fact]
    public void The_network_keeps_its_mode_and_is_measured_in_evaluation_mode()
    {
        // Dropout of nearly everything would change the result, if it were active.
        using var network = nn.Sequential(("linear", TwoPixels()), ("dropout", nn.Dropout(0.99)));
        network.train();
        Assert.Equal(2.0 / 3, Evaluator.Evaluate(network, Images, Plain, cancel: TestContext.Current.CancellationToken).Top1, 1e-15);
        Assert.True(network.training);
        network.eval();
        Evaluator.Evaluate(network, Images, Plain, cancel: TestContext.Current.CancellationToken);
        Assert.False(network.training);
    }

    // A batch norm that was frozen by hand, as in training on from a file, would otherwise learn the statistics of the next batches.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_module_keeps_the_mode_it_was_in(bool root)
    {
        using var network = nn.Sequential(
            ("first", nn.Sequential(("norm", nn.BatchNorm2d(1)), ("more", nn.Dropout(0.5)))), ("last", TwoPixels()));
        network.train(root);
        nn.Module[] others = [.. network.named_modules().Where(entry => entry.name is "first.norm" or "last.linear")
            .Select(entry => entry.module)];
        foreach (var module in others) module.train(!root);
        var before = Modes();

        Evaluator.Evaluate(network, Images, Plain, cancel: TestContext.Current.CancellationToken);

        Assert.Equal(2, others.Length);
        Assert.Equal(before, Modes());
        Assert.Equal(root, network.training);
        Assert.All(others, module => Assert.Equal(!root, module.training));

        (string, bool)[] Modes() => [.. network.named_modules().Select(entry => (entry.name, entry.module.training))];
    }

    [Fact]
    public void A_cancelled_evaluation_keeps_them_too()
    {
        using var network = nn.Sequential(("norm", nn.BatchNorm2d(1)), ("last", TwoPixels()));
        network.train();
        var norm = network.children().First();
        norm.eval();
        Assert.Throws<OperationCanceledException>(() => Evaluator.Evaluate(network, Images, Plain, cancel: new(canceled: true)));
        Assert.Equal((true, false), (network.training, norm.training));
    }

    [Fact]
    public void A_normalisation_for_other_channels_is_refused()
    {
        using var network = TwoPixels();
        Assert.Throws<ArgumentException>(
            () => Evaluator.Evaluate(network, Images, new([0, 0], [1, 1]), cancel: TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void A_weight_that_is_no_number_is_named(float value)
    {
        using var network = TwoPixels();
        using (no_grad()) network.get_parameter("linear.weight")!.view(-1)[2] = value;
        var error = Assert.Throws<InvalidDataException>(
            () => Evaluator.Evaluate(network, Images, Plain, cancel: TestContext.Current.CancellationToken));
        Assert.Contains(FormattableString.Invariant($"'linear.weight' has {value} at 2"), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_that_overflows_is_right_for_no_image()
    {
        // 1e30 · 1e30 is infinite in float32, and infinity less infinity NaN: argmax takes the NaN for the largest.
        using var network = nn.Sequential(("first", TwoPixels()), ("second", TwoPixels()));
        foreach (var weight in network.parameters())
        {
            using var large = tensor(new float[,] { { 1e30f, -1e30f }, { 1e30f, 1e30f } });
            using (no_grad()) weight.copy_(large);
        }

        var result = Evaluator.Evaluate(network, Images, Plain, cancel: TestContext.Current.CancellationToken);
        Assert.Equal(0, result.Top1);
        Assert.False(double.IsFinite(result.Loss));
    }

    // The first two images overflow as above; the third is all zeros, and so are its logits, of which class 0 is the first.
    [Fact]
    public void An_answer_that_overflows_is_in_no_column_of_the_matrix()
    {
        var images = new ImageSplit(new byte[] { 255, 255, 255, 255, 0, 0 }, new[] { 0, 1, 0 }, channels: 1, height: 1, width: 2);
        using var network = nn.Sequential(("first", TwoPixels()), ("second", TwoPixels()));
        foreach (var weight in network.parameters())
        {
            using var large = tensor(new float[,] { { 1e30f, -1e30f }, { 1e30f, 1e30f } });
            using (no_grad()) weight.copy_(large);
        }

        var (result, confusion) = Evaluator.EvaluateByClass(network, images, Plain, cancel: TestContext.Current.CancellationToken);

        Assert.Equal(1 / 3.0, result.Top1, 1e-15);
        Assert.Equal((1L, 0L, 0L, 0L), (confusion[0, 0], confusion[0, 1], confusion[1, 0], confusion[1, 1]));
        Assert.Equal((2, 1), (confusion.ImagesOf(0), confusion.ImagesOf(1)));
        Assert.Equal((0.5, 0.0), (confusion.Top1Of(0), confusion.Top1Of(1)));
        Assert.Equal((1, 1), (confusion.UnansweredOf(0), confusion.UnansweredOf(1)));
        Assert.Equal(0.25, confusion.MeanTop1());
    }

    private static nn.Module<Tensor, Tensor> TwoPixels()
    {
        var linear = nn.Linear(2, 2, hasBias: false);
        using var noGrad = no_grad();
        using var weight = tensor(new float[,] { { 2, 0 }, { 0, 1 } });
        linear.weight!.copy_(weight);
        return nn.Sequential(("flatten", nn.Flatten()), ("linear", linear));
    }
}
