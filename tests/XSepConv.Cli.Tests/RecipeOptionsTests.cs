using XSepConv.Cli.Arguments;
using XSepConv.Cli.Options;
using XSepConv.Training;

namespace XSepConv.Cli.Tests;

/// <summary>What is typed of a recipe is what is trained with.</summary>
public sealed class RecipeOptionsTests
{
    // Values that no recipe has.
    private static readonly (string Option, string Value, Func<TrainingRecipe, TrainingRecipe> Typed)[] s_rows =
    [
        ("--epochs", "17", recipe => recipe with { Epochs = 17 }),
        ("--batch", "48", recipe => recipe with { BatchSize = 48 }),
        ("--accumulate", "3", recipe => recipe with { AccumulateBatches = 3 }),
        ("--optimizer", "sgd", recipe => recipe with { Optimizer = OptimizerKind.Sgd }),
        ("--optimizer", "adamw", recipe => recipe with { Optimizer = OptimizerKind.AdamW }),
        ("--lr", "0.0123", recipe => recipe with { LearningRate = 0.0123 }),
        ("--schedule", "cosine", recipe => recipe with { Schedule = ScheduleKind.Cosine }),
        ("--schedule", "step", recipe => recipe with { Schedule = ScheduleKind.Step }),
        ("--warmup", "0.75", recipe => recipe with { WarmupEpochs = 0.75 }),
        ("--weight-decay", "0.003", recipe => recipe with { WeightDecay = 0.003 }),
        ("--label-smoothing", "0.15", recipe => recipe with { LabelSmoothing = 0.15 }),
        ("--dropout", "0.35", recipe => recipe with { Dropout = 0.35 }),
        ("--dropout", "0", recipe => recipe with { Dropout = 0 }),
        ("--clip", "1.5", recipe => recipe with { ClipNorm = 1.5 }),
        ("--clip", "0", recipe => recipe with { ClipNorm = null }),
        ("--ema", "0.9", recipe => recipe with { EmaDecay = 0.9 }),
        ("--ema", "0", recipe => recipe with { EmaDecay = 0 }),
        ("--patience", "4", recipe => recipe with { Patience = 4 }),
        ("--augment", "none", recipe => recipe with { Augmentation = "none" }),
        ("--flip", "none", recipe => recipe with { HorizontalFlip = false }),
        ("--flip", "horizontal", recipe => recipe with { HorizontalFlip = true }),
    ];

    public static TheoryData<string> Recipes => [.. TrainingRecipe.Names];

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Each_option_sets_its_own_value_and_leaves_the_recipe_s_others(string name)
    {
        var named = TrainingRecipe.For(name);
        Assert.Equal(named, Recipe("--recipe", name));
        foreach (var (option, value, typed) in s_rows) Assert.Equal(typed(named), Recipe("--recipe", name, option, value));
    }

    [Fact]
    public void All_together_set_all()
    {
        var last = Enumerable.Reverse(s_rows).DistinctBy(row => row.Option).ToList();
        Assert.Equal(
            last.Aggregate(TrainingRecipe.For("strong"), (recipe, row) => row.Typed(recipe)),
            Recipe(["--recipe", "strong", .. last.SelectMany(row => new[] { row.Option, row.Value })]));
    }

    [Fact]
    public void Every_option_has_a_row_that_sets_what_no_other_does()
    {
        var (command, _) = Command();
        Assert.Equal(
            command.Options.Select(option => option.Name).Except(["--recipe"]).Order(),
            s_rows.Select(row => row.Option).Distinct().Order());
        foreach (var option in command.Options)
        {
            var rows = s_rows.Where(row => row.Option == option.Name).ToList();
            foreach (var alias in option.Aliases)
            {
                Assert.All(rows, row => Assert.Equal(Recipe(row.Option, row.Value), Recipe(alias, row.Value)));
            }

            Assert.All(TrainingRecipe.Names.Select(TrainingRecipe.For), recipe => Assert.True(
                rows.Count == 0 || rows.Any(row => row.Typed(recipe) != recipe), $"{option.Name} changes nothing of {recipe.Name}."));
        }
    }

    private static TrainingRecipe Recipe(params string[] line)
    {
        var (command, options) = Command();
        var result = command.Parse(line);
        Assert.Empty(result.Errors);
        return options.Apply(result, new TrainingOptions { Network = MobileNetV3SmallSpec.XSep(), OutputDirectory = "run" }).Recipe;
    }

    private static (ToolCommand Command, RecipeOptions Options) Command()
    {
        var (command, options) = (new ToolCommand("learn", "Learns.") { Examples = [] }, new RecipeOptions());
        options.AddTo(command);
        return (command, options);
    }
}
