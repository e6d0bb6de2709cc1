namespace XSepConv.Training.Tests;

public sealed class TrainingRecipeTests
{
    private static readonly TrainingOptions Plain = new() { Network = TorchTests.Spec(), OutputDirectory = "out", Seed = 3 };

    [Fact]
    public void The_defaults_of_the_options_are_the_first_recipe()
    {
        Assert.Equal(["quick", "standard", "strong"], TrainingRecipe.Names);
        var network = Plain.Network with { Dropout = TrainingRecipe.Default.Dropout };
        Assert.Equal(Plain with { Network = network, Augmentation = RunFolder.Data.Augmentation }, TrainingRecipe.Default.Apply(Plain, RunFolder.Data));
    }

    [Fact]
    public void Each_gives_valid_options_with_all_of_its_values()
    {
        foreach (var recipe in TrainingRecipe.Names.Select(TrainingRecipe.For))
        {
            var options = recipe.Apply(Plain, RunFolder.Data);
            options.Validate(RunFolder.Data);
            Assert.Equal(
                (recipe.Epochs, recipe.BatchSize, recipe.Optimizer, recipe.LearningRate, recipe.WeightDecay, recipe.WarmupEpochs, recipe.Schedule),
                (options.Epochs, options.BatchSize, options.Optimizer, options.LearningRate, options.WeightDecay, options.WarmupEpochs, options.Schedule));
            Assert.Equal(
                (recipe.LabelSmoothing, recipe.ClipNorm, recipe.EmaDecay, recipe.Dropout, AugmentationPreset.For(recipe.Augmentation, RunFolder.Data)),
                (options.LabelSmoothing, options.ClipNorm, options.EmaDecay, options.Network.Dropout, options.Augmentation));
            Assert.Equal((3, "out"), (options.Seed, options.OutputDirectory));
        }
    }

    [Fact]
    public void An_unknown_one_is_refused() =>
        Assert.Contains("known are quick, standard, strong", Assert.Throws<ArgumentException>(() => TrainingRecipe.For("best")).Message, StringComparison.Ordinal);
}
