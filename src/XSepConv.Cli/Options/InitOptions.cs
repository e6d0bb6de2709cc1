using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Training;

namespace XSepConv.Cli.Options;

/// <summary>The options that say which weights a run starts from, and which of them learn how fast.</summary>
internal sealed class InitOptions
{
    private const string OfFile = "file", OfData = "data";

    private readonly CheckpointOption init = new(
        "Start from the weights of this checkpoint of import, convert or train, and take its network; its classifier is left out where "
            + "the classes are others. Random weights without.",
        required: false, name: "--init");

    private readonly Option<int?> freeze = CheckedOption.OptionalWhole(
        "--freeze", 0, NetworkSpec.MostBlocks,
        "Keep so many stages of --init as they are: 1 is the stem and the blocks of the largest map.");

    private readonly Option<double?> headRate = CheckedOption.OptionalNumber(
        "--head-lr", "it must be a number above 0", value => value > 0,
        "The learning rate of the classifier after warm-up; the schedule scales it like --lr (the same without).");

    private readonly Option<string?> normalize = CheckedOption.OptionalChoice(
        "--normalize", [OfFile, OfData], $"Mean and deviation of the images: those of the {OfFile} of --init, where it has them, or of the "
            + $"training {OfData}.");

    /// <summary>In the order of the help.</summary>
    public IEnumerable<Option> All => [init.Option, freeze, headRate, normalize];

    /// <summary>What the checkpoint was trained on; null where there is none, or it does not say it.</summary>
    /// <param name="resumes">Whether the run was begun before.</param>
    /// <exception cref="UserError">Options contradict each other, or there is no such file.</exception>
    public CheckpointImages? Data(ParseResult result, NetworkOptions network, bool resumes)
    {
        var typed = result.CommandResult;
        if (Path(result, resumes) is not { } path)
        {
            var lonely = new Option[] { freeze, normalize }.FirstOrDefault(option => typed.IsTyped(option));
            return lonely is null ? null : throw new UserError($"{lonely.Name} needs --init: without it there are no weights to keep.");
        }

        if (network.Typed(typed) is { } other)
        {
            throw new UserError($"{other} and --init contradict each other: the network is that of {path}.");
        }

        using var weights = InitialWeights.Open(path);
        return weights.Data is { } data ? CheckpointImages.Of(path, data) : null;
    }

    private string? Path(ParseResult result, bool resumes)
    {
        try
        {
            return init.Path(result);
        }
        catch (Exception e) when (resumes && e is UserError or FileNotFoundException)
        {
            throw new UserError(
                $"{e.Message.TrimEnd('.')}. --resume compares it with the file that the run began from: put that back where it was.");
        }
    }

    /// <summary>The options of a run from the checkpoint; null where there is none.</summary>
    public TrainingOptions? Start(ParseResult result, ImageDataset images, string output)
    {
        if (init.Path(result) is not { } path) return null;
        var options = TrainingOptions.StartingFrom(path, images, output);
        var stages = NetworkStages.Maps(options.Network).Count;
        if (result.GetValue(freeze) is { } frozen && frozen > stages)
        {
            throw new UserError($"{freeze.Name} is '{frozen}': {options.Network.Name} has {stages} stages.");
        }

        if (result.GetValue(normalize) == OfFile && options.Normalization is null)
        {
            throw new UserError($"{normalize.Name} is '{OfFile}': {path} does not say how images are normalised.");
        }

        return options with
        {
            FrozenStages = result.GetValue(freeze) ?? 0,
            Normalization = result.GetValue(normalize) == OfData ? null : options.Normalization,
        };
    }

    public IReadOnlyList<LayerLearningRate> LearningRates(ParseResult result) =>
        result.GetValue(headRate) is { } rate ? [new("linear4", rate)] : [];
}
