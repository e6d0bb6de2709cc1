using TorchSharp;
using XSepConv.Benchmarks.Ratios;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Benchmarks;

/// <summary>What the benchmarks time computes the right thing, in every part.</summary>
public sealed class CorrectnessTests : IDisposable
{
    private static readonly TrainingCase s_training = new(ImagePreset.Cifar, 8, 32);

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Every_network_that_is_timed_takes_the_float64_step() =>
        Assert.Equal(
            s_training.Contestants.Select(one => one.Name),
            TrainingContestants.Of(s_training, s_training.Data()).Select(one => one.Name).Distinct());

    // In float64 libtorch's own loops run, which are right in channels-last, too; some of oneDNN's are not.
    [Fact]
    public void The_step_in_channels_last_is_the_networks()
    {
        foreach (var spec in s_training.Contestants.Select(one => one.Spec).Distinct())
        {
            var data = s_training.Data();
            var exact = TrainingCase.Network(spec, XSepBackend.Composed, ScalarType.Float64);
            var other = TrainingCase.Network(spec, XSepBackend.Composed, ScalarType.Float64);
            exact.CopyTo(other);
            var images = ChannelsLastStep.InLayout(data.Images.to_type(ScalarType.Float64));
            Assert.Equal(1, images.stride(1));
            var results = TrainingContestants.Results(other, new ChannelsLastStep(other).Forward, (images, data.Labels));

            // Both are float64, but for the sixth by which libtorch's hardsigmoid goes back, a float32: 1e-7.
            var reference = TrainingContestants.Reference(exact, data).Select(expected => expected with { Tolerance = 1e-6 }).ToList();
            Assert.Single(Correctness.Keep([With(results)], reference));
        }
    }

    [Fact]
    public void A_step_with_a_part_of_zeros_is_refused_whichever_it_is()
    {
        var (_, spec, _) = s_training.Contestants.First();
        var data = s_training.Data();
        var exact = TrainingCase.Network(spec, XSepBackend.Composed, ScalarType.Float64);
        var reference = TrainingContestants.Reference(exact, data);
        var parameters = exact.parameters().Count();

        // Logits, loss, and two statistics of each norm.
        var norms = exact.named_buffers().Count(one => one.name.EndsWith("running_var", StringComparison.Ordinal));
        Assert.Equal(2 + parameters + (2 * norms), reference.Count);
        IReadOnlyList<Tensor> right = [.. reference.Select(expected => expected.Value.to_type(ScalarType.Float32))];
        Assert.Single(Correctness.Keep([With(right)], reference));
        var refused = 0;
        for (var i = 0; i < right.Count; i++)
        {
            // What is 0, or so near to it that float32 may miss it: gradients of what a batch norm takes away, means of what is centred.
            if (reference[i].Value.norm().item<double>() < reference[i].Tolerance * reference[i].LeastNorm) continue;
            refused++;
            var zeroed = right.Select((result, at) => at == i ? zeros_like(result) : result).ToList();
            Assert.Throws<InvalidOperationException>(() => Correctness.Keep([With(zeroed)], reference));
        }

        Assert.InRange(refused, reference.Count * 0.8, reference.Count);
    }

    [Fact]
    public void Results_are_as_many_as_there_are_to_compare()
    {
        IReadOnlyList<Tensor> reference = [ones(2), ones(3)];
        Assert.Single(Correctness.Keep([With([ones(2), ones(3)])], reference));
        foreach (var results in new IReadOnlyList<Tensor>[] { [ones(2)], [], [ones(2), ones(3), ones(3)] })
        {
            Assert.Contains(
                $"hands out {results.Count} results, 2 are compared",
                Assert.Throws<InvalidOperationException>(() => Correctness.Keep([With(results)], reference)).Message,
                StringComparison.Ordinal);
        }
    }

    private static Contestant With(IReadOnlyList<Tensor> results) =>
        new("one", () => { }, () => [.. results.Select(result => result.clone())]);
}
