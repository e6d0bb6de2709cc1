using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>Networks that compute the same training step as the network does in float64: loss, gradients, running statistics.</summary>
internal static class TrainingContestants
{
    /// <summary>For gradients: where an activation bends, float32 and float64 may see other slopes, which moved some by 2 %.</summary>
    private const double GradientTolerance = 0.05;

    /// <summary>
    /// Before another batch norm a bias has no gradient and a scale hardly any (float64 says 1e-16 and 1e-5, float32 is 1e-6 off), and what
    /// is centred has no mean.
    /// </summary>
    private const double LeastGradient = 1e-3, LeastStatistic = 1e-3;

    public static List<Contestant> Of(TrainingCase training, (Tensor Images, Tensor Labels) data)
    {
        List<Contestant> kept = [];
        foreach (var pair in training.Contestants.GroupBy(contestant => contestant.Spec))
        {
            using var exact = TrainingCase.Network(pair.Key, XSepBackend.Composed, ScalarType.Float64);
            List<Contestant> contestants = [];
            foreach (var (name, spec, backend) in pair)
            {
                var network = TrainingCase.Network(spec, backend);
                exact.CopyTo(network);
                if (backend != XSepBackend.Composed)
                {
                    contestants.Add(Of(name, network, network.call, data));
                    continue;
                }

                var other = TrainingCase.Network(spec, backend);
                exact.CopyTo(other);
                contestants.Add(Of(name, network, network.call, data) with { Layout = Contestant.Nchw });
                var inLayout = data with { Images = ChannelsLastStep.InLayout(data.Images) };
                contestants.Add(Of(name, other, new ChannelsLastStep(other).Forward, inLayout) with
                {
                    Layout = Contestant.ChannelsLast,
                    Slack = Contestant.ChannelsLastSlack,
                });
            }

            using (NewDisposeScope()) kept.AddRange(Correctness.Keep(contestants, Reference(exact, data)));
        }

        return kept;
    }

    private static Contestant Of(
        string name, MobileNet network, Func<Tensor, Tensor> forward, (Tensor Images, Tensor Labels) data) =>
        new(name, () =>
        {
            using var scope = NewDisposeScope();
            TrainingCase.Step(network, forward, data);
        }, () => Results(network, forward, data));

    /// <summary>What a step in float64 gives, and how near a contestant has to come.</summary>
    public static List<Expected> Reference(MobileNet exact, (Tensor Images, Tensor Labels) data)
    {
        var results = Results(exact, (data.Images.to_type(ScalarType.Float64), data.Labels));
        string[] gradients = [.. exact.named_parameters().Select(named => named.name)];
        string[] statistics = [.. exact.named_buffers().Where(named => named.buffer.is_floating_point()).Select(named => named.name)];
        return
        [
            new(results[0], Name: "the logits"), new(results[1], Name: "the loss"),
            .. results.Skip(2).Zip(gradients, (value, of) => new Expected(
                value, GradientTolerance, LeastGradient, $"{of}'s gradient", IsGradient: true)),
            .. results.Skip(2 + gradients.Length).Zip(statistics, (value, of) => new Expected(value, LeastNorm: LeastStatistic, Name: of)),
        ];
    }

    /// <summary>A step: logits, loss, the gradient of every parameter, the running statistics after it.</summary>
    public static List<Tensor> Results(MobileNet network, (Tensor Images, Tensor Labels) data) => Results(network, network.call, data);

    /// <summary>The same by another way through the network.</summary>
    public static List<Tensor> Results(MobileNet network, Func<Tensor, Tensor> forward, (Tensor Images, Tensor Labels) data) =>
    [
        .. TrainingCase.Step(network, forward, data),
        .. network.parameters().Select(parameter => parameter.grad
            ?? throw new InvalidOperationException("A parameter has no gradient after a step.")),
        .. network.buffers().Where(buffer => buffer.is_floating_point()),
    ];
}
