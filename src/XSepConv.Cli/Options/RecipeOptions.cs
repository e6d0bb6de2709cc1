using System.CommandLine;
using System.Globalization;
using XSepConv.Cli.Arguments;
using XSepConv.Training;

namespace XSepConv.Cli.Options;

/// <summary>The options that say how a network is trained: a recipe, and what is to be otherwise.</summary>
internal sealed class RecipeOptions
{
    private const string Positive = "it must be a number above 0";
    private const string NotNegative = "it must be 0 or more";
    private const string Share = "it must be at least 0 and below 1";
    private const string NoFlip = "none", Horizontal = "horizontal";
    private const int NameWidth = 18, ValueWidth = 10;

    private readonly Option<string> recipe = CheckedOption.Choice(
        "--recipe", TrainingRecipe.Names, TrainingRecipe.Default.Name, "Values for all of the following that are not "
            + "given; the table below has them.");

    private readonly Option<int?> epochs;

    private readonly Option<int?> batch = CheckedOption.OptionalWhole("--batch", 2, 65_536, "Images in a batch.").Or("--batch-size", "-b");

    private readonly Option<int?> accumulate = CheckedOption.OptionalWhole(
        "--accumulate", 1, 65_536, "Batches whose mean gradient makes one step (1 without).");

    private readonly Option<OptimizerKind?> optimizer = CheckedOption.OptionalMember<OptimizerKind>(
        "--optimizer", "SGD with Nesterov's momentum, or AdamW.");

    private readonly Option<double?> rate = CheckedOption.OptionalNumber(
        "--lr", Positive, value => value > 0, "The learning rate after warm-up.")
        .Or("--learning-rate");

    private readonly Option<ScheduleKind?> schedule = CheckedOption.OptionalMember<ScheduleKind>(
        "--schedule",
        "After warm-up: half a cosine to 0; or a tenth from the middle and a hundredth from three quarters of the run on.");

    private readonly Option<double?> warmup = CheckedOption.OptionalNumber(
        "--warmup", NotNegative, value => value >= 0,
        "Epochs, or a part of one, in which the learning rate rises: half of the run at most.");

    private readonly Option<double?> decay = CheckedOption.OptionalNumber(
        "--weight-decay", NotNegative, value => value >= 0, "Decay of the weights of convolutions and linear layers.")
        .Or("--wd");

    private readonly Option<double?> smoothing = CheckedOption.OptionalNumber(
        "--label-smoothing", Share, value => value is >= 0 and < 1, "The share of the target that is spread over all classes.");

    private readonly Option<double?> dropout = CheckedOption.OptionalNumber(
        "--dropout", Share, value => value is >= 0 and < 1, "Dropout before the last linear layer.");

    private readonly Option<double?> clip = CheckedOption.OptionalNumber(
        "--clip", "it must be 0 (no limit) or more", value => value >= 0,
        "Shortens the gradient to this norm where it is longer; 0 for never.");

    private readonly Option<double?> ema = CheckedOption.OptionalNumber(
        "--ema", "it must be at least 0 (none) and below 1", value => value is >= 0 and < 1,
        "Decay of an average of the weights, which is then validated, tested and kept; 0 for none.");

    private readonly Option<int?> patience = CheckedOption.OptionalWhole(
        "--patience", 1, 100_000, "End after so many epochs in a row without a new best on the validation images (never without).");

    private readonly Option<string?> augment = CheckedOption.OptionalChoice(
        "--augment", AugmentationPreset.Names,
        "How training images are varied: not; moved and mirrored as suits the data; colours and erasing too; random "
            + "operations, erasing and mixup.");

    private readonly Option<string?> flip = CheckedOption.OptionalChoice(
        "--flip", [NoFlip, Horizontal],
        "Whether half of the training images are mirrored left to right. Default: as suits the data set, and not for 'folder'.");

    /// <param name="epochsNote">What else their number may be, for the help.</param>
    public RecipeOptions(string epochsNote = "") => epochs = CheckedOption.OptionalWhole(
        "--epochs", 1, 100_000, $"Passes over the training images. The learning rate ends with the last.{epochsNote}");

    private Option[] Changes =>
        [epochs, batch, accumulate, optimizer, rate, schedule, warmup, decay, smoothing, dropout, clip, ema, patience, augment, flip];

    public void AddTo(ToolCommand command) => command.Add("Recipe", Changes.Prepend(recipe), [.. Table()]);

    /// <summary>The options of a run with what was typed, and the recipe's values for the rest.</summary>
    /// <param name="usualEpochs">In place of the recipe's where neither epochs nor a recipe was typed.</param>
    public TrainingOptions Apply(ParseResult result, TrainingOptions options, int? usualEpochs = null)
    {
        var named = TrainingRecipe.For(result.GetValue(recipe)!);
        if (usualEpochs is { } usual && !result.CommandResult.IsTyped(recipe)) named = named with { Epochs = usual };
        var changed = named with
        {
            Epochs = result.GetValue(epochs) ?? named.Epochs,
            BatchSize = result.GetValue(batch) ?? named.BatchSize,
            Optimizer = result.GetValue(optimizer) ?? named.Optimizer,
            LearningRate = result.GetValue(rate) ?? named.LearningRate,
            Schedule = result.GetValue(schedule) ?? named.Schedule,
            WarmupEpochs = result.GetValue(warmup) ?? named.WarmupEpochs,
            WeightDecay = result.GetValue(decay) ?? named.WeightDecay,
            LabelSmoothing = result.GetValue(smoothing) ?? named.LabelSmoothing,
            Dropout = result.GetValue(dropout) ?? named.Dropout,
            ClipNorm = result.GetValue(clip) is { } norm ? (norm > 0 ? norm : null) : named.ClipNorm,
            EmaDecay = result.GetValue(ema) ?? named.EmaDecay,
            Augmentation = result.GetValue(augment) ?? named.Augmentation,
            HorizontalFlip = result.GetValue(flip) is { } chosen ? chosen == Horizontal : named.HorizontalFlip,
            AccumulateBatches = result.GetValue(accumulate) ?? named.AccumulateBatches,
            Patience = result.GetValue(patience) ?? named.Patience,
        };
        return options with { Recipe = changed };
    }

    /// <summary>The recipe's name, and whether something was given otherwise.</summary>
    public string Describe(ParseResult result)
    {
        var changed = Changes.Where(option => result.CommandResult.IsTyped(option)).Select(option => option.Name).ToList();
        return $"{result.GetValue(recipe)}{(changed.Count > 0 ? $", but for {string.Join(", ", changed)}" : "")}";
    }

    /// <summary>What each recipe sets, as it would be typed.</summary>
    private IEnumerable<string> Table()
    {
        List<(Option Option, Func<TrainingRecipe, string> Value)> rows =
        [
            (epochs, recipe => Text(recipe.Epochs)),
            (batch, recipe => Text(recipe.BatchSize)),
            (optimizer, recipe => recipe.Optimizer.ToString().ToLowerInvariant()),
            (rate, recipe => Text(recipe.LearningRate)),
            (schedule, recipe => recipe.Schedule.ToString().ToLowerInvariant()),
            (warmup, recipe => Text(recipe.WarmupEpochs)),
            (decay, recipe => Text(recipe.WeightDecay)),
            (smoothing, recipe => Text(recipe.LabelSmoothing)),
            (dropout, recipe => recipe.Dropout is { } share ? Text(share) : "network's"),
            (clip, recipe => Text(recipe.ClipNorm ?? 0)),
            (ema, recipe => Text(recipe.EmaDecay)),
            (augment, recipe => recipe.Augmentation),
        ];
        TrainingRecipe[] recipes = [.. TrainingRecipe.Names.Select(TrainingRecipe.For)];
        yield return Row(recipe.Name, recipes.Select(recipe => recipe.Name));
        foreach (var (option, value) in rows) yield return Row(option.Name, recipes.Select(value));

        static string Text(double value) => value.ToString("0.######", CultureInfo.InvariantCulture);
        static string Row(string name, IEnumerable<string> values) =>
            name.PadRight(NameWidth) + string.Concat(values.Select(value => value.PadRight(ValueWidth)));
    }
}
