using System.Diagnostics;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>What a part of a network took in one training step.</summary>
/// <param name="KeptBytes">What its forward left allocated until backward, its output included; null where that can't be known.</param>
internal readonly record struct PartTime(TimeSpan Forward, TimeSpan Backward, long? KeptBytes);

/// <summary>Runs training steps of a network: as it is, or part by part with a clock between.</summary>
/// <remarks>
/// Autograd runs a whole backward in one call, and layers with hooks would not run fused. So the graph is cut where one part hands its map
/// to the next: each part's forward starts from a leaf that holds the same values, and its backward from the gradient that reached that
/// leaf. Parts, their order and what they compute are those of the whole step.
/// </remarks>
internal sealed class PartwiseStep(MobileNet network, Tensor images, Tensor labels, Func<long?> allocatedBytes)
{
    /// <summary>The parts' names, in order; the loss, which is none of them, comes last.</summary>
    public IReadOnlyList<NetworkPart> Parts { get; } =
        [.. network.Parts, new("loss", logits => nn.functional.cross_entropy(logits, labels))];

    /// <summary>Forward, loss and backward in one go.</summary>
    public TimeSpan Whole()
    {
        network.zero_grad();
        using var scope = NewDisposeScope();
        var start = Stopwatch.GetTimestamp();
        nn.functional.cross_entropy(network.call(images), labels).backward();
        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>The same, part by part.</summary>
    public PartTime[] PartByPart()
    {
        network.zero_grad();
        using var scope = NewDisposeScope();
        var times = new PartTime[Parts.Count];
        var (inputs, outputs) = (new Tensor[Parts.Count], new Tensor[Parts.Count]);
        for (var i = 0; i < Parts.Count; i++)
        {
            inputs[i] = i == 0 ? images : outputs[i - 1].detach().requires_grad_();
            var before = allocatedBytes();
            var start = Stopwatch.GetTimestamp();
            using (NewDisposeScope()) outputs[i] = Parts[i].Run(inputs[i]).MoveToOuterDisposeScope();
            times[i] = new(Stopwatch.GetElapsedTime(start), default, allocatedBytes() - before);
        }

        for (var i = Parts.Count - 1; i >= 0; i--)
        {
            var gradient = i == Parts.Count - 1 ? ones_like(outputs[i]) : inputs[i + 1].grad;
            var start = Stopwatch.GetTimestamp();
            using (NewDisposeScope()) outputs[i].backward([gradient!]);
            times[i] = times[i] with { Backward = Stopwatch.GetElapsedTime(start) };

            // As in a whole backward, what is behind this part is needed no more.
            outputs[i].Dispose();
            if (i < Parts.Count - 1) inputs[i + 1].Dispose();
        }

        return times;
    }
}
