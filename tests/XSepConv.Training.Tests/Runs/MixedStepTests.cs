using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Training.Tests;

/// <summary>A batch that is mixed, from the split's pixels to the weights that follow it: images, weights and loss go together.</summary>
[Collection(TorchTests.Name)]
public sealed class MixedStepTests : IDisposable
{
    private const int Count = 16;
    private const double Rate = 0.1, Smoothing = 0.1;

    private static readonly ImageSplit s_images = ShapesDataset.Split(0, seed: 1, count: 70);
    private static readonly ImageNormalization s_normalization = ImageNormalization.Of(s_images);

    private static readonly TrainingRecipe s_recipe = new()
    {
        Epochs = 1,
        BatchSize = Count,
        LearningRate = Rate,
        Schedule = ScheduleKind.Step,
        WarmupEpochs = 0,
        Momentum = 0,
        Nesterov = false,
        WeightDecay = 0,
        LabelSmoothing = Smoothing,
    };

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void A_mixed_batch_is_of_its_own_images_and_is_learned_with_its_own_weights()
    {
        var (plain, _, labels) = Batch(Augmentation.None);
        Assert.All(Enumerable.Range(0, Count), i => Assert.Contains(Of(labels[i]), split => split.allclose(plain[i], atol: 1e-5)));
        var (images, weights, mixedLabels) = Batch(Augmentation.None with { Mixup = 0.4 });
        Assert.Equal(labels, mixedLabels);

        // Not all alike, so that another image's weight is seen.
        Assert.InRange(weights!.std().ToDouble(), 0.05, 0.5);
        var own = weights.to(ScalarType.Float64).reshape(-1, 1);
        var next = plain.roll(-1, 0);
        Assert.True(images.allclose((own * plain) + ((1 - own) * next), atol: 1e-5));

        using var linear = nn.Linear(s_images.ImageBytes, 10);
        using var network = nn.Sequential(("flat", nn.Flatten()), ("linear", linear));
        var start = linear.weight!.detach().to(ScalarType.Float64);
        var logits = images.matmul(start.t()) + linear.bias!.detach().to(ScalarType.Float64);
        var classes = tensor(labels);
        var target = (own * nn.functional.one_hot(classes, 10)) + ((1 - own) * nn.functional.one_hot(classes.roll(-1, 0), 10));
        target = ((1 - Smoothing) * target) + (Smoothing / 10);
        var expected = -(target * logits.log_softmax(1)).sum().ToDouble() / Count;
        using var step = new TrainingStep(network, s_recipe, stepsPerEpoch: 4);
        var (loss, _) = step.Run(
            new ImageBatch(
                images.to(ScalarType.Float32).reshape(Count, s_images.Channels, s_images.Height, s_images.Width), classes, weights));

        // float32 sums of 3,072 products.
        Assert.Equal(expected, loss, 1e-5);
        var gradient = (logits.softmax(1) - target).t().matmul(images) / Count;
        Assert.InRange((start - (Rate * gradient) - linear.weight!.detach()).abs().max().ToDouble(), 0, 1e-6);
        Assert.InRange(gradient.abs().max().ToDouble(), 0.01, 10);
    }

    /// <summary>All images of a class, [pixels] each, normalised in doubles.</summary>
    private static List<Tensor> Of(long label)
    {
        var (count, labels) = (s_images.Channels, s_images.Labels.ToArray());
        var mean = tensor(s_normalization.Mean.ToArray()).reshape(count, 1);
        var deviation = tensor(s_normalization.Std.ToArray()).reshape(count, 1);
        return
        [
            .. Enumerable.Range(0, s_images.Count).Where(i => labels[i] == label).Select(
                i => ((tensor(s_images.Image(i).ToArray()).to(ScalarType.Float64).reshape(count, -1) / 255 - mean) / deviation).flatten()),
        ];
    }

    /// <summary>The first batch: images [N, pixels] in float64.</summary>
    private static (Tensor Images, Tensor? Weights, long[] Labels) Batch(Augmentation augmentation)
    {
        var source = BatchSource.ForTraining(s_images, s_normalization, Count, augmentation, seed: 9, epoch: 1);
        foreach (var batch in source.From(0).Tensors(s_images, CPU))
        {
            var images = batch.Images.to(ScalarType.Float64).flatten(1);
            return (images, batch.Weights?.clone(), batch.Labels.data<long>().ToArray());
        }

        throw new InvalidOperationException("There is no batch.");
    }
}
