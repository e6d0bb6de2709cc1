using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>One run of a depthwise convolution in a traced forward.</summary>
internal sealed record ConvolutionRun(Conv2d Convolution, long[] Input, long[] Output)
{
    /// <summary>The batch norm that took the very output; null when none did.</summary>
    public BatchNorm2d? BatchNorm { get; set; }
}

/// <summary>What a network does with one input in eval mode: its output, and which convolutions and batch norms run, in order.</summary>
internal sealed class ConversionTrace
{
    private readonly Dictionary<BatchNorm2d, int> _batchNormRuns;

    private ConversionTrace(Tensor output, List<ConvolutionRun> runs, Dictionary<BatchNorm2d, int> batchNormRuns) =>
        (Output, Runs, _batchNormRuns) = (output, runs, batchNormRuns);

    /// <summary>The network's output. It belongs to the caller's dispose scope.</summary>
    public Tensor Output { get; }

    /// <summary>The runs of depthwise convolutions, in order of execution.</summary>
    public IReadOnlyList<ConvolutionRun> Runs { get; }

    public int RunsOf(BatchNorm2d batchNorm) => _batchNormRuns.GetValueOrDefault(batchNorm);

    /// <summary>Runs the network; it is in eval mode, without gradients.</summary>
    public static ConversionTrace Run(nn.Module<Tensor, Tensor> network, ModuleTree tree, Tensor input)
    {
        var runs = new List<ConvolutionRun>();
        var producers = new Dictionary<Tensor, ConvolutionRun>(ReferenceEqualityComparer.Instance);
        var batchNorms = new Dictionary<BatchNorm2d, int>(ReferenceEqualityComparer.Instance);
        var removers = new List<Action>();
        try
        {
            foreach (var module in tree.Modules)
            {
                if (module is Conv2d conv && DepthwiseCandidate.IsDepthwise(conv))
                {
                    removers.Add(conv.register_forward_hook((_, x, y) =>
                    {
                        runs.Add(producers[y] = new(conv, x.shape, y.shape));
                        return y;
                    }).remove);
                }
                else if (module is BatchNorm2d batchNorm)
                {
                    removers.Add(batchNorm.register_forward_hook((_, x, y) =>
                    {
                        if (producers.TryGetValue(x, out var run)) run.BatchNorm ??= batchNorm;
                        batchNorms[batchNorm] = batchNorms.GetValueOrDefault(batchNorm) + 1;
                        return y;
                    }).remove);
                }
            }

            return new(network.call(input), runs, batchNorms);
        }
        finally
        {
            foreach (var remove in removers) remove();
        }
    }
}
