using System.CommandLine;
using System.Globalization;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.ComparedRuns;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Options;
using XSepConv.Cli.Screen;
using XSepConv.Cli.Startup;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv compare</c> and <c>xsepconv ablate</c>: several networks, the same recipe, the same seeds, one report.</summary>
internal sealed class ComparisonCommand
{
    private const string Shapes = "shapes";
    private const string Ablation = "ablate";
    private const int MostKernels = 8, MostWidths = 8;

    // Six runs on the generated images, in about two minutes on two cores: long enough that seeds agree within two points.
    private const double ShapesWidth = 0.5;
    private const int ShapesLimit = 2_000, ShapesEpochs = 7;

    private readonly string kind;
    private readonly DataOptions data = new(
        hasDefault: true, "What to learn: generated shapes (synthetic), a published set, or a folder of images (--data-root).",
        usual: UsualImages.Own with { Limit = string.Create(CultureInfo.InvariantCulture, $"all, of {Shapes} {ShapesLimit:N0}") });

    private readonly Option<string> network = CheckedOption.Choice(
        "--network", [.. NetworkCatalog.All.Select(entry => entry.ShortName)], NetworkCatalog.All[0].ShortName,
        "MobileNetV3-Small, -Large, or this project's small network of large kernels.").Or("--model");

    private readonly PresetOption preset = new();
    private readonly WidthsOption widths;
    private readonly KernelsOption kernels;
    private readonly Option<bool> without2x2 = CheckedOption.Flag(
        NetworkOptions.Without2x2,
        "Train a third network for each pair: XSepConv without its 2×2 (1×K and K×1 only), tested against the same twin.");

    private readonly Option<Activation?> activation = ActivationOption.Create();
    private readonly Option<int> seeds = CheckedOption.Whole(
        "--seeds", 1, 1000, 3,
        "Every network is trained with the seeds 0 to N − 1; the same seed means the same images in the same order for all.");

    private readonly RecipeOptions recipe;
    private readonly DeviceOptions device = new("1 for each run, since runs are side by side; on CUDA Torch's choice");
    private readonly JobsOption jobs = new();
    private readonly RunOptions run = new("comparison", "Where runs and report go. Default: runs/, the command and the name of the data.");
    private readonly Option<bool> json = CheckedOption.Flag(
        "--json", "Print the result as one line of JSON; everything else goes to stderr.");

    private ComparisonCommand(string kind, WidthsOption widths, KernelsOption kernels)
    {
        (this.kind, this.widths, this.kernels) = (kind, widths, kernels);
        recipe = new(kind == Ablation ? "" : $" Default: the recipe's, or of {Shapes} {ShapesEpochs} where no recipe is given.");
    }

    public static Command Compare() => Create(
        "compare", "Train XSepConv and its depthwise twin with the same recipe and seeds, and report how they compare.",
        new(MostWidths), KernelsOption.OfPairs(MostKernels),
        "xsepconv compare                                    generated shapes, small networks, in about two minutes",
        "xsepconv compare --data fashion-mnist --recipe standard --seeds 5 --out runs/fashion-compare",
        "xsepconv compare --data fashion-mnist --recipe standard --seeds 5 --out runs/fashion-compare --resume",
        "xsepconv compare --data cifar-10 --recipe standard --width 0.35,0.5,1 --kernels table,9,15 --seeds 1");

    public static Command Ablate() => Create(
        Ablation, "Ask what the 2×2 and its padding are worth: none, right-bottom, symmetric and improved symmetric, "
            + "with the same recipe and seeds.",
        new(1), KernelsOption.OfOne(),
        "xsepconv ablate                                     generated shapes, small networks",
        "xsepconv ablate --data fashion-mnist --recipe standard --out runs/fashion-ablate");

    private static ToolCommand Create(
        string kind, string description, WidthsOption widths, KernelsOption kernels, params string[] examples)
    {
        var comparison = new ComparisonCommand(kind, widths, kernels);
        var command = new ToolCommand(kind, description) { Examples = examples };
        command.Add("Data", comparison.data.All);
        command.Add(
            "Networks",
            [
                comparison.network, comparison.preset.Option, comparison.widths.Option, comparison.kernels.Option,
                .. kind == Ablation ? Array.Empty<Option>() : [comparison.without2x2],
                comparison.activation, comparison.seeds,
            ]);
        comparison.recipe.AddTo(command);
        command.Add("Device", [.. comparison.device.All, comparison.jobs.Option]);
        comparison.run.AddTo(command, [comparison.json]);
        command.SetAction(
            result => Interrupts.During("Stopped; what is done is kept.", interrupts => comparison.Run(result, interrupts)));
        return command;
    }

    private int Run(ParseResult result, Interrupts interrupts)
    {
        var invocation = result.InvocationConfiguration;
        var screen = result.GetValue(json) ? invocation.Error : invocation.Output;
        var pair = NetworkCatalog.All.First(entry => entry.ShortName == result.GetValue(network));
        var sizes = kernels.Of(result, pair.XSepName, pair.Rows);

        var output = run.Directory(result, $"{kind}-{data.Name(result)}");
        data.RequireOutside(result, output);
        var folder = new ComparisonFolder(output);
        run.RequireRight(result, output, ComparisonFolder.ManifestName, folder.FileOfComparison);

        // A folder is not made for what may be refused; what is there is kept to this process from the beginning.
        using var there = Directory.Exists(folder.FullName) ? folder.Lock() : null;
        var (prepared, images) = Prepare(result, output, screen, interrupts, pair, sizes);
        using var made = there is null ? folder.Lock() : null;
        if (made is not null) run.RequireRight(result, output, ComparisonFolder.ManifestName, folder.FileOfComparison);
        var atATime = jobs.Value(result, prepared);
        if (run.Overwrite(result)) folder.Clear();
        var manifest = folder.Begin(prepared with { AtATime = atATime });
        var view = new ComparisonScreen(Consoles.For(screen), manifest, output, interrupts.Token);
        view.Introduce(TypedLine.Of(result), PresetOption.NameOf(Preset(result, images)), recipe.Describe(result), images, atATime);
        var comparison = new Comparison(
            folder, manifest, (one, progress, cancel) => WorkerProcess.Execute(folder, one, progress, cancel), atATime);
        var report = view.Show(progress => comparison.Run(progress, interrupts.Token));
        if (result.GetValue(json)) JsonLine.Write(invocation.Output, Summary(report, folder));
        view.Conclude(report, Path.Combine(output, Path.GetFileName(folder.Html)), run.ResumeLine(result));
        return report is null ? interrupts.ExitCode : ExitCode.Done;
    }

    private (ComparisonManifest Manifest, ImageDataset Images) Prepare(
        ParseResult result, string output, TextWriter screen, Interrupts interrupts, CatalogEntry pair,
        IReadOnlyList<IReadOnlyList<int>> sizes)
    {
        var chosenDevice = device.Prepare(result);
        var onCpu = TorchDevice.Parse(chosenDevice).type == TorchSharp.DeviceType.CPU;
        var name = data.Name(result)!;
        int? limit = name == Shapes ? ShapesLimit : null;
        var images = data.Open(result, name, seed: 0, screen, interrupts.Token, usualLimit: limit);
        var networks = Networks(result, images, name, pair, sizes);
        if (ComparedNetwork.Twice(networks) is var (first, second))
        {
            throw new UserError(
                $"{first.Label} and {second.Label} are the same network, which would be trained twice: leave one of them out "
                + $"({widths.Option.Name}, {kernels.Option.Name}).");
        }

        var usual = new TrainingOptions
        {
            Network = networks[0].Spec,
            OutputDirectory = output,
            Threads = device.Threads(result) ?? (onCpu ? 1 : TorchDevice.UsualThreads),
            Device = chosenDevice,
        };
        var training = recipe.Apply(result, usual, usualEpochs: name == Shapes && kind != Ablation ? ShapesEpochs : null);
        training.Validate(images);

        var manifest = ComparisonManifest.Of(
            kind, TypedLine.Of(result), images, data.Options(result, seed: 0, usualLimit: limit), training with { OutputDirectory = "" },
            [.. networks.Select(network => network with { Spec = training.Recipe.Of(network.Spec) })], result.GetValue(seeds));
        return (manifest, images);
    }

    private IReadOnlyList<ComparedNetwork> Networks(
        ParseResult result, ImageDataset images, string name, CatalogEntry pair, IReadOnlyList<IReadOnlyList<int>> sizes)
    {
        var wide = widths.Of(result, name == Shapes ? ShapesWidth : 1);
        return kind == Ablation
            ? ComparedNetwork.Paddings(Build(wide[0], sizes is [var chosen] ? chosen : []).XSep)
            : ComparedNetwork.Twins(Build, wide, sizes, result.GetValue(without2x2));

        (NetworkSpec XSep, NetworkSpec Depthwise) Build(double width, IReadOnlyList<int> kernelSizes)
        {
            var options = new MobileNetV3Options
            {
                NumClasses = images.ClassNames.Count,
                InputChannels = images.Train.Channels,
                Preset = Preset(result, images),
                Width = width,
                Kernels = kernelSizes,
                Activation = result.GetValue(activation),
            };
            return (pair.XSep(options), pair.Twin(options));
        }
    }

    private ImagePreset Preset(ParseResult result, ImageDataset images) => preset.For(result, (images.Train.Height, images.Train.Width));

    private static object Summary(ComparisonReport? report, ComparisonFolder folder) => new
    {
        completed = report is not null,
        report = report is null ? null : folder.Html,
        networks = report?.Networks.Select(network => new
        {
            network.Network.Id,
            network.Parameters,
            network.Macs,
            top1 = network.Top1.Mean,
            sd = network.Top1.StandardDeviation,
            network.Measured.PeakBytes,
            network.Measured.ImagesPerSecond,
            latencyMilliseconds = new
            {
                network.Measured.Latency.Libtorch,
                network.Measured.Latency.Module,
                network.Measured.Latency.Runtime,
            },
        }),
        tests = report?.Tests.Select(test => new
        {
            first = test.First.Network.Id,
            second = test.Second.Network.Id,
            difference = test.Top1.Mean,
            p = test.Top1.P,
        }),
    };
}
