using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// Tries out whether a convolution and its batch norm can be replaced, by running the network with stand-ins in their places. The
/// convolution's stand-in answers something wrong, the batch norm's what is right: when the network's output stays the same to the bit, the
/// network calls what is in those places, takes any module there, and uses the convolution's output for nothing but the batch norm. That
/// tells something only where the output changes when both are wrong.
/// </summary>
internal static class ReplacementProbe
{
    /// <summary>
    /// Why it can't be replaced; null when it can. The network is in eval mode, without gradients, and is the same afterwards.
    /// </summary>
    public static string? Refusal(
        nn.Module<Tensor, Tensor> network, ModulePlaces places, DepthwiseCandidate candidate, Tensor input, Tensor expected)
    {
        using var scope = NewDisposeScope();
        using var convolution = new StandIn();
        using var batchNorm = new StandIn();
        Tensor? right = null, wrong = null;
        var isWrong = false;
        convolution.Answer = x =>
        {
            scope.Attach(right = candidate.Convolution.call(x));
            wrong = candidate.BatchNorm is null && !isWrong ? right.alias() : right.Plus(Scalars.One);
            return wrong;
        };
        batchNorm.Answer = x =>
        {
            var normed = candidate.BatchNorm!.call(ReferenceEquals(x, wrong) ? right! : x);
            return isWrong ? normed.Plus(Scalars.One) : normed;
        };

        Tensor output, other;
        (int Convolution, int BatchNorm) runs;
        try
        {
            using var swap = new ModuleSwap();
            swap.Replace(places.Of(candidate.Convolution), candidate.Convolution, convolution);
            if (candidate.BatchNorm is { } old) swap.Replace(places.Of(old), old, batchNorm);
            output = network.call(input);
            runs = (convolution.Runs, batchNorm.Runs);
            isWrong = true;
            other = network.call(input);
        }
        catch (Exception e)
        {
            // Whatever the network's own code throws when it meets another module: it needs the old one.
            return $"the network does not run with another module in its place ({e.Message.Split('\n')[0]})";
        }

        if (runs.Convolution != 1)
        {
            return "it still runs after it was replaced, so something other than a field, list or dictionary of a module holds it";
        }

        if (candidate.BatchNorm is not null && runs.BatchNorm != 1)
        {
            return $"the batch norm '{candidate.BatchNormPath}' still runs after it was replaced, so something other than a field, list or "
                + "dictionary of a module holds it";
        }

        if (SameValues(output, expected))
        {
            return SameValues(other, expected)
                ? "the network's output is the same whatever it gives, so that it can't be told what else uses it" : null;
        }

        return candidate.BatchNorm is null
            ? "the network's output is another when a module that does the same runs in its place"
            : $"its output is used by something besides '{candidate.BatchNormPath}'";
    }

    public static bool SameValues(Tensor a, Tensor b) => a.shape.AsSpan().SequenceEqual(b.shape) && a.eq(b).all().item<bool>();

    private sealed class StandIn() : nn.Module<Tensor, Tensor>(nameof(StandIn))
    {
        public Func<Tensor, Tensor>? Answer { get; set; }

        public int Runs { get; private set; }

        public override Tensor forward(Tensor x)
        {
            Runs++;
            return Answer!(x);
        }
    }
}
