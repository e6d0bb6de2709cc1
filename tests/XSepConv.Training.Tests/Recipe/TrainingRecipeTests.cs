namespace XSepConv.Training.Tests;

public sealed class TrainingRecipeTests
{
    private static readonly TrainingOptions Plain = new() { Network = TorchTests.Spec(), OutputDirectory = "out", Seed = 3 };

    [Fact]
    public void Options_that_name_none_have_the_first()
    {
        Assert.Equal(["quick", "standard", "strong"], TrainingRecipe.Names);
        Assert.Equal(TrainingRecipe.For("quick"), Plain.Recipe);
        Assert.Equal(RunFolder.Data.Augmentation, Plain.AugmentationFor(RunFolder.Data));
    }

    [Fact]
    public void Each_gives_valid_options()
    {
        foreach (var name in TrainingRecipe.Names) (Plain with { Recipe = TrainingRecipe.For(name) }).Validate(RunFolder.Data);
    }

    /// <summary>A changed value changes the results of all who use the recipe.</summary>
    [Fact]
    public void The_recipes_have_the_documented_values()
    {
        Assert.Equal(
            [(3, 32, 0.02, 0.5, 1e-4, 0.05, 0.0), (30, 128, 0.05, 1, 5e-4, 0.1, 0.995), (100, 128, 0.002, 5, 0.05, 0.1, 0.999)],
            TrainingRecipe.Names.Select(TrainingRecipe.For).Select(recipe => (
                recipe.Epochs, recipe.BatchSize, recipe.LearningRate, recipe.WarmupEpochs, recipe.WeightDecay, recipe.LabelSmoothing,
                recipe.EmaDecay)));
        Assert.Equal(
            [(OptimizerKind.Sgd, "light", null, null), (OptimizerKind.Sgd, "standard", null, null),
                (OptimizerKind.AdamW, "strong", 5.0, 0.2)],
            TrainingRecipe.Names.Select(TrainingRecipe.For).Select(recipe => (
                recipe.Optimizer, recipe.Augmentation, recipe.ClipNorm, recipe.Dropout)));
    }

    /// <summary>
    /// Checkpoints store them by these names: a run from before the recipe was a record of its own must still be resumed.
    /// </summary>
    [Fact]
    public void What_is_stored_of_a_run_keeps_its_names()
    {
        string[] always =
        [
            "batch size", "crop padding", "data", "dropout", "epochs", "horizontal flip", "label smoothing", "learning rate", "momentum",
            "nesterov",
            "network", "network table", "seed", "test images", "training images", "validation images", "warm-up epochs", "weight decay",
        ];
        Assert.Equal(always, RunSettings.Of(Plain, RunFolder.Data).Keys);
        var strong = RunSettings.Of(
            Plain.By(_ => TrainingRecipe.For("strong") with { AccumulateBatches = 2, Patience = 4 }), RunFolder.Data);
        string[] sometimes =
        [
            "accumulated batches 2", "beta 1 0.9", "beta 2 0.999", "clipped norm 5", "mixup 0.2", "optimizer AdamW", "patience 4",
            "policy magnitude 0.3", "policy operations 2", "random erasing 0.25", "weight average 0.999",
        ];
        Assert.All(sometimes, setting => Assert.Contains(setting, strong.Select(entry => $"{entry.Key} {entry.Value}")));
        Assert.Equal("0.2", strong["dropout"]);
    }

    [Fact]
    public void A_recipe_s_dropout_is_the_network_s_and_without_one_the_network_keeps_its_own()
    {
        var network = TorchTests.Spec() with { Dropout = 0.5 };
        Assert.Equal(0.2, TrainingRecipe.For("strong").Of(network).Dropout);
        Assert.Equal(0.5, TrainingRecipe.For("quick").Of(network).Dropout);
    }

    [Fact]
    public void An_unknown_one_is_refused() => Assert.Contains(
        "known are quick, standard, strong", Assert.Throws<ArgumentException>(() => TrainingRecipe.For("best")).Message,
        StringComparison.Ordinal);

    public static TheoryData<TrainingRecipe> Refused => new(
        new TrainingRecipe { BatchSize = 16, AccumulateBatches = 7 }, new TrainingRecipe { BatchSize = 200, AccumulateBatches = 2 },
        new TrainingRecipe { BatchSize = 0 }, new TrainingRecipe { BatchSize = 1 }, new TrainingRecipe { AccumulateBatches = 0 },
        new TrainingRecipe { BatchSize = 0, AccumulateBatches = -1 }, new TrainingRecipe { Epochs = 0 },
        new TrainingRecipe { Augmentation = "much" });

    /// <summary>96 images are 6 batches of 16.</summary>
    [Theory]
    [MemberData(nameof(Refused))]
    public void What_the_trainer_refuses_a_loop_of_one_s_own_is_refused_in_the_same_words(TrainingRecipe recipe)
    {
        var data = RunFolder.Data;
        var expected = Assert.Throws<ArgumentException>(() => Plain.By(_ => recipe).Validate(data)).Message
            .Split('\n').Select(line => line.Replace("The training options do not work:", "", StringComparison.Ordinal).Trim(' ', '-', '.'))
            .Where(line => line.Length > 0).ToArray();
        Assert.NotEmpty(expected);
        foreach (var error in new[]
        {
            Assert.Throws<ArgumentException>(() => recipe.StepsPerEpoch(data.Train)),
            Assert.Throws<ArgumentException>(() => recipe.Batches(data, 1)),
        })
        {
            Assert.All(expected, problem => Assert.Contains(problem, error.Message, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_split_of_one_image_has_no_batch()
    {
        var one = RunFolder.Data.Train.Select([0]);
        Assert.Contains("the training split has 1 image, it must have at least 2", Assert.Throws<ArgumentException>(
            () => new TrainingRecipe().StepsPerEpoch(one)).Message, StringComparison.Ordinal);
    }
}
