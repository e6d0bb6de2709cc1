using TorchSharp;
using TorchSharp.Modules;
using XSepConv.Training;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks;

/// <summary>
/// What fitting is worth when a trained network is converted: a network is trained on Fashion-MNIST, then converted with random and with
/// fitted
/// weights. Measured are how far the logits on test images move, the accuracy right after the conversion, and after one more epoch.
/// </summary>
internal sealed class FitExperiment
{
    private const int Batch = 64, CalibrationImages = 256;
    private const double PretrainRate = 0.05, FineTuneRate = 0.02;

    private readonly int _kernel, _epochs, _threads;
    private readonly Tensor _trainImages, _trainLabels, _testImages, _testLabels;

    public FitExperiment(int images, int kernel, int epochs, int threads)
    {
        (_kernel, _epochs, _threads) = (kernel, epochs, threads);
        var data = DatasetCatalog.Open("fashion-mnist", new() { Limit = images });
        (_trainImages, _trainLabels) = SplitTensors.Of(data.Train, data.Normalization);
        (_testImages, _testLabels) = SplitTensors.Of(data.Test, data.Normalization);
    }

    public void Run(int seeds)
    {
        foreach (var line in Machine.Describe(_threads)) Console.WriteLine($"- {line}");
        Console.WriteLine(
            $"- Fashion-MNIST, {_trainImages.shape[0]} training and {_testImages.shape[0]} test images; {_epochs} epochs, then one of "
            + $"fine-tuning; batch {Batch}, SGD; {seeds} seed(s)");
        Console.WriteLine();
        var rows = Enumerable.Range(1, seeds).SelectMany(OneSeed).ToLookup(row => row.Start);
        Console.WriteLine(
            $"| start, K = {_kernel} | fit error of the layers | distance of the logits | top-1 after "
            + "conversion | top-1 after one epoch |");
        Console.WriteLine("|---|---|---|---|---|");
        foreach (var start in rows)
        {
            Console.WriteLine(
                $"| {start.Key} | {Mean(start, row => row.LayerError)} | {Mean(start, row => row.Distance)} | "
                + $"{Percent(start, row => row.Before)} | {Percent(start, row => row.After)} |");
        }

        static string Mean(IEnumerable<Row> rows, Func<Row, double> value) =>
            rows.Average(value) is var mean && double.IsNaN(mean) ? "–" : FormattableString.Invariant($"{mean:0.00}");
        static string Percent(IEnumerable<Row> rows, Func<Row, double> value) =>
            FormattableString.Invariant($"{100 * rows.Average(value):0.0} %");
    }

    private IEnumerable<Row> OneSeed(int seed)
    {
        random.manual_seed(seed);
        using var trained = FitNetwork.Create(_kernel);
        for (var epoch = 0; epoch < _epochs; epoch++)
        {
            Train(trained, PretrainRate * (_epochs - epoch) / _epochs, PretrainRate * (_epochs - epoch - 1) / _epochs,
                seed + (100 * epoch));
        }

        using var logits = Logits(trained);
        yield return Measure("not converted", seed, trained, logits, null);

        var fit = new ConversionOptions
        {
            Initialise = KernelInitialisation.Fit,
            Calibration = _trainImages.narrow(0, 0, Math.Min(CalibrationImages, _trainImages.shape[0])),
        };
        yield return Measure("random", seed, trained, logits, new());
        yield return Measure("fit, closed form only", seed, trained, logits, fit with { FitSteps = 0 });
        yield return Measure("fit", seed, trained, logits, fit);
    }

    private Row Measure(string start, int seed, Sequential trained, Tensor expected, ConversionOptions? options)
    {
        random.manual_seed(seed);
        using var network = FitNetwork.Create(_kernel);
        network.load_state_dict(trained.state_dict());
        var error = options is null ? double.NaN
            : XSepConverter.Convert(network, [1, 1, 28, 28], options).Replaced.Average(layer => layer.FitError ?? double.NaN);
        using var scope = NewDisposeScope();
        var logits = Logits(network);
        var distance = ((logits - expected).square().mean() / (expected - expected.mean([0], keepdim: true)).square().mean()).sqrt()
            .ToDouble();
        var before = Top1(logits);
        Train(network, FineTuneRate, 0, seed + 1_000);
        var row = new Row(start, error, distance, before, Top1(Logits(network)));
        Console.Error.WriteLine($"seed {seed}: {row}");
        return row;
    }

    private void Train(Sequential network, double firstRate, double lastRate, int seed)
    {
        network.train();
        using var optimizer = optim.SGD(network.parameters(), firstRate, momentum: 0.9, weight_decay: 1e-4);
        var order = Enumerable.Range(0, (int)_trainImages.shape[0]).Select(i => (long)i).ToArray();
        new Random(seed).Shuffle(order);
        for (var first = 0; first + Batch <= order.Length; first += Batch)
        {
            using var scope = NewDisposeScope();
            var chosen = tensor(order[first..(first + Batch)]);
            foreach (var group in optimizer.ParamGroups) group.LearningRate = firstRate + ((lastRate - firstRate) * first / order.Length);
            optimizer.zero_grad();
            nn.functional.cross_entropy(network.call(_trainImages.index_select(0, chosen)), _trainLabels.index_select(0, chosen))
                .backward();
            optimizer.step();
        }
    }

    private Tensor Logits(Sequential network)
    {
        network.eval();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return cat([.. _testImages.split(256).Select(network.call)]).MoveToOuterDisposeScope();
    }

    private double Top1(Tensor logits) => logits.argmax(1).eq(_testLabels).to(ScalarType.Float64).mean().ToDouble();

    private sealed record Row(string Start, double LayerError, double Distance, double Before, double After);
}
