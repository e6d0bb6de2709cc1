namespace XSepConv.Training.Tests;

/// <summary>What the libraries say is English with English numbers, wherever the program runs that uses them.</summary>
public sealed class CultureTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_wrong_with_a_recipe_is_said_in_the_same_words_everywhere()
    {
        var wrong = new TrainingRecipe
        {
            AdamBeta1 = 1.5,
            AdamBeta2 = 1.5,
            ClipNorm = -1.5,
            EmaDecay = 1.5,
            LearningRate = double.PositiveInfinity,
            Momentum = 1.5,
            WeightDecay = -0.5,
            LabelSmoothing = double.NaN,
            Dropout = 1.5,
            WarmupEpochs = -1.5,
        };
        OtherNumbers.ChangeNothing(() => Assert.Throws<ArgumentException>(() => wrong.RequireRight()).Message, "AdamW's β1 is 1.5,", "is Infinity,", "is NaN,");
        var strong = new Augmentation(0, false)
        {
            ColorJitter = 1.5,
            Erasing = 1.5,
            PolicyMagnitude = 1.5,
            LargestRotation = 180.5,
            Mixup = 1.5,
        };
        OtherNumbers.ChangeNothing(() => string.Join('\n', strong.Problems()), "colour jitter is 1.5,", "rotation is 180.5°,");
        OtherNumbers.ChangeNothing(
            () => string.Join('\n', LayerLearningRate.Problems([new("linear4", -0.5)], ["linear4.weight"], "a network")), "is -0.5,");
    }

    [Fact]
    public void The_learning_curves_are_the_same_everywhere()
    {
        var history = Enumerable.Range(1, 4).Select(
            epoch => new EpochResult(epoch, 1.25 / epoch, 0.2 * epoch, 1.75 / epoch, 0.2021 * epoch, 0.1, Best: true)).ToList();
        OtherNumbers.ChangeNothing(
            () =>
            {
                LearningCurves.Draw(_folder.At("curves.png"), "a network", history);
                return Convert.ToHexString(File.ReadAllBytes(_folder.At("curves.png")));
            });
    }
}
