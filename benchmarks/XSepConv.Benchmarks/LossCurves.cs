using XSepConv.Training;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks;

/// <summary>
/// The same training run with the fused operators, with the composed ones, and with the composed ones from weights that differ by 10⁻⁷ of
/// themselves.
/// How far the third leaves the second is what rounding does to this training; the first should be no farther.
/// </summary>
internal sealed class LossCurves
{
    /// <summary>Steps over which losses are averaged.</summary>
    public const int Window = 25;

    private const int Batch = 32;
    private const double Rate = 0.02, RoundingError = 1e-7;

    private readonly int _steps;
    private readonly Tensor _images, _labels;

    public LossCurves(int steps)
    {
        _steps = steps;
        var data = DatasetCatalog.Open("fashion-mnist", new() { Limit = steps * Batch });
        (_images, _labels) = SplitTensors.Of(data.Train, data.Normalization);
    }

    public void Run(int seeds)
    {
        foreach (var line in Machine.Describe(1)) Console.WriteLine($"- {line}");
        Console.WriteLine(
            $"- Fashion-MNIST, cifar preset, width 0.5, batch {Batch}, SGD {FormattableString.Invariant($"{Rate}")}; mean "
            + $"training loss of {Window} steps");
        Console.WriteLine();
        Console.WriteLine("| seed | steps | composed | composed, moved by rounding | fused |");
        Console.WriteLine("|---:|---:|---:|---:|---:|");
        var (moved, fused) = (new List<double>(), new List<double>());
        for (var seed = 0; seed < seeds; seed++)
        {
            double[][] runs = [Losses(seed, XSepBackend.Composed, 0), Losses(seed, XSepBackend.Composed, RoundingError),
                Losses(seed, XSepBackend.Auto, 0)];
            for (var first = 0; first + Window <= _steps; first += Window)
            {
                var means = runs.Select(run => run[first..(first + Window)].Average()).ToArray();
                moved.Add(Math.Abs(means[1] - means[0]));
                fused.Add(Math.Abs(means[2] - means[0]));
                Console.WriteLine(
                    $"| {seed} | {first + 1}–{first + Window} | "
                    + $"{string.Join(" | ", means.Select(mean => FormattableString.Invariant($"{mean:0.000}")))} |");
            }
        }

        Console.WriteLine();
        Console.WriteLine(FormattableString.Invariant(
            $"Mean distance from composed: {moved.Average():0.000} moved by rounding, {fused.Average():0.000} fused."));
    }

    private double[] Losses(int seed, XSepBackend backend, double moved)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(seed);
        var options = new MobileNetV3Options { Preset = ImagePreset.Cifar, NumClasses = 10, InputChannels = 1, Width = 0.5 };
        using var network = new MobileNet(MobileNetV3SmallSpec.XSep(options));
        network.SetXSepBackend(backend);
        using (no_grad())
        {
            foreach (var parameter in network.parameters()) parameter.mul_(1 + (moved * randn_like(parameter)));
        }

        random.manual_seed(seed);
        var order = randperm(_labels.shape[0]);
        using var optimizer = optim.SGD(network.parameters(), learningRate: Rate, momentum: 0.9);
        var losses = new double[_steps];
        for (var step = 0; step < _steps; step++)
        {
            using var stepScope = NewDisposeScope();
            var batch = order.narrow(0, step * Batch, Batch);
            optimizer.zero_grad();
            var loss = nn.functional.cross_entropy(network.call(_images[batch]), _labels[batch]);
            loss.backward();
            optimizer.step();
            losses[step] = loss.item<float>();
        }

        return losses;
    }
}
