using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Options;

/// <summary>The options that choose the images.</summary>
internal sealed class DataOptions
{
    private const string DefaultName = "shapes";

    private static readonly string[] Layouts = [.. Enum.GetNames<FolderLayout>().Select(name => name.ToLowerInvariant())];

    private readonly bool hasDefault;
    private readonly string optionName;
    private readonly Option<string?> name;

    private readonly Option<string> root = CheckedOption.Text(
        "--data-root", "DIR",
        "Where to look for the files first; then in Debian's /usr/share/datasets, then in the user's cache, then on the net. "
        + "For 'folder': the folder with a folder for each class.");

    private readonly Option<int?> size;
    private readonly Option<Rgb?> background;
    private readonly Option<int?> limit;

    private readonly Option<string> layout = CheckedOption.Choice(
        "--layout", Layouts, Layouts[0],
        "How the folders of 'folder' are read: 'flat' takes each for a class, 'splits' only those called like train, val and test; "
        + "'auto' goes by their names and refuses what is unclear.");

    private readonly Option<bool> skipDamaged = CheckedOption.Flag(
        "--skip-damaged", "Go without the pictures of 'folder' that can't be read, and say which, instead of refusing them.");

    /// <param name="usual">What the command does where nothing is typed; what a set itself says when null.</param>
    public DataOptions(bool hasDefault, string description, string name = "--data", UsualImages? usual = null)
    {
        (this.hasDefault, optionName) = (hasDefault, name);
        usual ??= UsualImages.Own;
        size = CheckedOption.OptionalWhole(
            "--image-size", 8, 1024,
            $"Rows and columns of the images of 'folder', whose middle is scaled to it. Default: {usual.Size}.").Or("--size");
        background = Background(
            $"What see-through pixels of 'folder' are laid on: white, black, or a colour such as #808080. Default: {usual.Background}.");
        limit = CheckedOption.OptionalWhole(
            "--limit", 2, int.MaxValue,
            $"Use only so many images of each split, as many of each class as can be: for quick tries. Default: {usual.Limit}.");
        var known = DatasetCatalog.Names;
        this.name = CheckedOption.Make<string?>(
            name, "NAME", $"{description} Known are {string.Join(", ", known)}.", hasDefault ? _ => DefaultName : null,
            text => CheckedOption.OneOf(known, text) is { Wrong: { } wrong } && Directory.Exists(text)
                ? (null, $"{wrong} A folder of images is read with {name} {DatasetCatalog.Folder} --data-root {text}")
                : CheckedOption.OneOf(known, text));
        this.name.CompletionSources.Add([.. known]);
    }

    public static Option<Rgb?> Background(string description) =>
        CheckedOption.Make<Rgb?>("--background", "COLOR", description, null, text =>
    {
        try
        {
            return (Rgb.Parse(text), null);
        }
        catch (FormatException)
        {
            return (null, "white, black, or # and six hexadecimal digits are right");
        }
    });

    /// <summary>In the order of the help.</summary>
    public IEnumerable<Option> All => [name, root, size, background, layout, skipDamaged, limit];

    public string? Name(ParseResult result) => result.GetValue(name) ?? (hasDefault ? DefaultName : null);

    public int? Limit(ParseResult result) => result.GetValue(limit);

    /// <summary>Opens the data set, showing a download if there is one.</summary>
    /// <param name="usualLimit">The most images of a split where no limit was typed.</param>
    /// <param name="like">Images that a network was trained on: yours are prepared as they were, unless told otherwise.</param>
    public ImageDataset Open(
        ParseResult result, string dataset, int seed, TextWriter screen, CancellationToken cancel, int? usualLimit = null,
        CheckpointImages? like = null)
    {
        var options = Options(result, seed, KnownSide(result, dataset, like), usualLimit);
        if (dataset == DatasetCatalog.Folder && like is not null)
        {
            options = options with { Background = result.GetValue(background) ?? like.Background, Scaling = like.Scaling };
        }

        return Open(result, dataset, screen, progress => DatasetCatalog.Open(dataset, options, progress, cancel));
    }

    /// <summary>Opens the images that a network is measured on.</summary>
    public EvaluationImages OpenForEvaluation(
        ParseResult result, string dataset, EvaluatedSplit? split, CheckpointImages trained, IReadOnlyList<string> classes,
        TextWriter screen, CancellationToken cancel)
    {
        var options = Like(result, dataset, trained);
        return Open(result, dataset, screen, progress =>
        {
            if (dataset == DatasetCatalog.Folder)
            {
                RequireChannels(options.Channels, options.ImageSize!.Value, options.ImageSize.Value, dataset, trained);
                return EvaluationImages.OfFolder(options, split, classes, progress, cancel);
            }

            var images = DatasetCatalog.Open(dataset, options, progress, cancel);
            RequireChannels(images.Test.Channels, images.Test.Height, images.Test.Width, dataset, trained);
            return EvaluationImages.Of(images, classes);
        });
    }

    /// <summary>Opens images to fit a network on, prepared as those that it was trained on.</summary>
    public ImageDataset OpenForFit(
        ParseResult result, string dataset, CheckpointImages trained, TextWriter screen, int usualLimit, CancellationToken cancel)
    {
        var options = Like(result, dataset, trained, usualLimit);
        return Open(result, dataset, screen, progress =>
        {
            var images = DatasetCatalog.Open(dataset, options, progress, cancel);
            RequireChannels(images.Train.Channels, images.Train.Height, images.Train.Width, dataset, trained);
            return images;
        });
    }

    /// <summary>Refuses to write a run where its pictures would be read as those of a class.</summary>
    /// <exception cref="UserError">They would.</exception>
    public void RequireOutside(ParseResult result, string output)
    {
        if (Name(result) != DatasetCatalog.Folder || result.GetValue(root) is not { } images) return;
        if (FolderDataset.Misplaced(images, Layout(result), output, $"{root.Name} '{images}'") is { } misplaced)
        {
            throw new UserError($"--out is '{output}', {misplaced}.");
        }
    }

    /// <summary>Refuses what says more about images where none are named.</summary>
    /// <param name="others">Options that say how they are used.</param>
    public void RequireName(ParseResult result, params IEnumerable<Option> others)
    {
        if (Name(result) is not null) return;
        if (All.Concat(others).FirstOrDefault(option => result.CommandResult.IsTyped(option)) is { } lonely)
        {
            throw new UserError($"{lonely.Name} needs {optionName}: without it no images are used.");
        }
    }

    private static void RequireChannels(int channels, int height, int width, string dataset, CheckpointImages trained)
    {
        if (channels == trained.Channels) return;
        throw new UserError(
            $"The network was trained on {trained.DataName}, {trained.Channels}×{trained.Height}×{trained.Width} images; "
            + $"{dataset} has {channels}×{height}×{width} images.");
    }

    private DatasetOptions Like(ParseResult result, string dataset, CheckpointImages trained, int? usualLimit = null)
    {
        var options = Options(result, seed: 0, KnownSide(result, dataset, trained), usualLimit);
        if (dataset == DatasetCatalog.Folder) options = options with { Scaling = trained.Scaling };
        if (dataset == DatasetCatalog.Folder && trained.Channels == 1) options = options with { Channels = 1 };
        return result.GetValue(background) is null ? options with { Background = trained.Background } : options;
    }

    // Other sets have a size of their own.
    private int? KnownSide(ParseResult result, string dataset, CheckpointImages? like) =>
        dataset == DatasetCatalog.Folder && result.GetValue(size) is null ? like?.Side() : null;

    private T Open<T>(ParseResult result, string dataset, TextWriter screen, Func<IProgress<DatasetProgress>, T> open)
    {
        RefuseWrongOptions(result, dataset);
        using var download = new DownloadScreen(Consoles.For(screen));
        return open(download);
    }

    /// <summary>What was typed, as the library takes it.</summary>
    public DatasetOptions Options(ParseResult result, int seed, int? knownSize = null, int? usualLimit = null)
    {
        var options = new DatasetOptions
        {
            DataRoot = result.GetValue(root),
            Seed = seed,
            Limit = Limit(result) ?? usualLimit,
            Layout = Layout(result),
            SkipDamaged = result.GetValue(skipDamaged),
        };
        if (result.GetValue(background) is { } color) options = options with { Background = color };
        return (result.GetValue(size) ?? knownSize) is { } side ? options with { ImageSize = side } : options;
    }

    private FolderLayout Layout(ParseResult result) => Enum.Parse<FolderLayout>(result.GetValue(layout)!, ignoreCase: true);

    private void RefuseWrongOptions(ParseResult result, string dataset)
    {
        const string Folder = DatasetCatalog.Folder;
        if (dataset == Folder)
        {
            if (result.GetValue(root) is null)
            {
                throw new UserError($"{optionName} {Folder} needs --data-root: the folder with a folder for each class.");
            }

            return;
        }

        if (dataset == DefaultName && result.CommandResult.IsTyped(root))
        {
            throw new UserError(
                $"{root.Name} is where files are, and {DefaultName} are generated. Did you mean {optionName} {Folder}?");
        }

        foreach (var (option, why) in new (Option, string)[]
        {
            (background, $"no image of {dataset} is see-through"),
            (layout, $"the images of {dataset} are laid out as published"),
            (skipDamaged, $"the images of {dataset} are whole, or refused"),
            (size, $"the images of {dataset} have a size of their own"),
        })
        {
            if (result.CommandResult.IsTyped(option)) throw new UserError($"{option.Name} is for {optionName} {Folder}; {why}.");
        }
    }
}
