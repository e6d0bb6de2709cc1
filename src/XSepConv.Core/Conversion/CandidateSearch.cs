using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Finds what can be replaced in a network, and says of every other depthwise convolution why it stays.</summary>
internal sealed class CandidateSearch
{
    private readonly ConversionOptions _options;
    private readonly Dictionary<Conv2d, string> _refusals = new(ReferenceEqualityComparer.Instance);

    private readonly SharedTensors _shared;

    private CandidateSearch(ConversionOptions options, ModuleTree tree, ModulePlaces places, SharedTensors shared) =>
        (_options, Tree, Places, _shared) = (options, tree, places, shared);

    public ModuleTree Tree { get; }

    public ModulePlaces Places { get; }

    public IReadOnlyList<DepthwiseCandidate> Candidates { get; private set; } = [];

    public long[] OutputShape { get; private set; } = [];

    /// <summary>The other depthwise convolutions, in the order of the tree.</summary>
    public IReadOnlyList<LeftLayer> Left =>
        [.. Tree.Modules.OfType<Conv2d>().Where(_refusals.ContainsKey).Select(conv => new LeftLayer(NameOf(conv), _refusals[conv]))];

    /// <summary>Searches; the network is in eval mode, without gradients, and is the same afterwards.</summary>
    /// <exception cref="ArgumentException">
    /// The network does not take the input, or its output is not finite or not the same twice.
    /// </exception>
    public static CandidateSearch Run(nn.Module<Tensor, Tensor> network, long[] input, ConversionOptions options)
    {
        using var scope = NewDisposeScope();
        var tree = new ModuleTree(network);
        using var composed = new ComposedBackends(tree.Modules);
        using var nonzero = new ZeroParameters(network);
        var search = new CandidateSearch(options, tree, new(tree), new(network));
        var x = ProbeInput(network, input);
        var trace = search.Trace(network, x, input);
        search.OutputShape = trace.Output.shape;

        var runs = trace.Runs.ToLookup(run => run.Convolution, ReferenceEqualityComparer.Instance);
        foreach (var conv in tree.Modules.OfType<Conv2d>().Where(DepthwiseCandidate.IsDepthwise))
        {
            if (search.Refusal(conv, [.. runs[conv]], trace) is { } refusal) search._refusals[conv] = refusal;
        }

        var candidates = new List<DepthwiseCandidate>();
        foreach (var run in trace.Runs.Where(run => !search._refusals.ContainsKey(run.Convolution)))
        {
            var candidate = search.CandidateFor(run);
            if (ReplacementProbe.Refusal(network, search.Places, candidate, x, trace.Output) is { } refusal)
            {
                search._refusals[run.Convolution] = refusal;
            }
            else candidates.Add(candidate);
        }

        search.Candidates = candidates;
        return search;
    }

    /// <summary>A smooth map without two equal halves, in the network's type and on its device; the random state stays as it is.</summary>
    public static Tensor ProbeInput(nn.Module network, long[] input)
    {
        return Wave(input, network.parameters().FirstOrDefault());
    }

    /// <summary>The same of another shape, none of it 0, in the type and on the device of a tensor.</summary>
    public static Tensor Wave(long[] shape, Tensor? like)
    {
        using var scope = NewDisposeScope();
        using Scalar count = shape.Aggregate(1L, (product, size) => product * size), radians = 0.37;
        var wave = sin(arange(count, dtype: ScalarType.Float64, device: CPU).add(Scalars.One, Scalars.One).mul(radians)).reshape(shape);
        return wave.to(like?.dtype ?? ScalarType.Float32, like?.device ?? CPU).MoveToOuterDisposeScope();
    }

    private ConversionTrace Trace(nn.Module<Tensor, Tensor> network, Tensor x, long[] input)
    {
        ConversionTrace trace;
        Tensor again;
        try
        {
            trace = ConversionTrace.Run(network, Tree, x);
            again = network.call(x);
        }
        catch (Exception e)
        {
            throw new ArgumentException(
                $"The network does not run on an input of shape [{string.Join(", ", input)}]: {e.Message}", nameof(input), e);
        }

        if (!isfinite(trace.Output).all().item<bool>())
        {
            throw new ArgumentException(
                $"The network's output for an input of shape [{string.Join(", ", input)}] is not finite, so that nothing can be told "
                + "from it.",
                nameof(network));
        }

        if (!ReplacementProbe.SameValues(trace.Output, again))
        {
            throw new ArgumentException(
                "The network's output differs from run to run in eval mode, so that it can't be told what a replacement changes; make "
                + "its forward repeatable.",
                nameof(network));
        }

        return trace;
    }

    private string? Refusal(Conv2d conv, IReadOnlyList<ConvolutionRun> runs, ConversionTrace trace)
    {
        if (DepthwiseCandidate.Refusal(conv, _options) is { } geometry) return geometry;
        if (Tree.PathOf(conv).Length == 0) return "it is the module itself, which nothing holds; put it into a Sequential";
        if (runs.Count == 0) return "it did not run for this input";
        if (runs.Count > 1) return $"it runs {runs.Count} times in one forward, and one padding can't serve several places";
        var run = runs[0];
        if (run.Input.Length != 4) return $"it gets a tensor of rank {run.Input.Length}; XSepConv takes maps [N, C, H, W]";
        if (PlaceRefusal(conv) is { } place) return place;
        if (_shared.Of(conv) is { } shared) return $"it shares its {shared}";
        if (run.BatchNorm is not { } batchNorm)
        {
            return _options.WithoutBatchNorm
                ? null
                : $"no {TypeName.Of(typeof(BatchNorm2d))} takes its output, and {nameof(ConversionOptions.WithoutBatchNorm)} is false";
        }

        if (trace.RunsOf(batchNorm) > 1)
        {
            return $"its batch norm '{Tree.PathOf(batchNorm)}' runs {trace.RunsOf(batchNorm)} times in one forward";
        }

        if (!batchNorm.track_running_stats)
        {
            return $"its batch norm '{Tree.PathOf(batchNorm)}' keeps no running statistics, that of XSepConv does";
        }

        if (_shared.Of(batchNorm) is { } tied) return $"its batch norm '{Tree.PathOf(batchNorm)}' shares its {tied}";
        return PlaceRefusal(batchNorm) is { } batchNormPlace
            ? $"its batch norm '{Tree.PathOf(batchNorm)}' can't be taken out: {batchNormPlace}"
            : null;
    }

    private string? PlaceRefusal(nn.Module module) =>
        Places.Of(module).Select(place => place.Refusal).FirstOrDefault(refusal => refusal is not null);

    private DepthwiseCandidate CandidateFor(ConvolutionRun run) => new(
        Tree.PathOf(run.Convolution),
        run.Convolution,
        run.BatchNorm is { } batchNorm ? Tree.PathOf(batchNorm) : null,
        run.BatchNorm,
        run.Input,
        run.Output);

    private string NameOf(nn.Module module) => Tree.PathOf(module) is { Length: > 0 } path ? path : "the module itself";
}
