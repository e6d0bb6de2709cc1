using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// Puts XSepConv into a network that is already there: depthwise convolutions with large kernels, and the batch norms after them, become
/// <see cref="XSepConv2d"/>, with the padding planned over the whole network.
/// </summary>
/// <remarks>
/// <para>A depthwise <c>Conv2d</c> (groups = in = out channels, odd K×K, zero padding K/2, stride 1 or 2, no dilation) anywhere in the
/// module tree is replaced by an <see cref="XSepConv2d"/>, and the <c>BatchNorm2d</c> that takes its output by <c>nn.Identity()</c>, since
/// XSepConv2d ends in a batch norm. A field declared as <c>Conv2d</c> or <c>BatchNorm2d</c> can't hold another type; such layers stay and
/// are listed, as do those that share a tensor with another module.</para>
/// <para>The padding cancels within each resolution (<see cref="PaddingPlan.ForStages"/>), in the order in which the layers run. Branches
/// that run side by side count as one after the other.</para>
/// <para>Mode, device, dtype, <c>requires_grad</c> and the batch norm's <c>eps</c> and <c>momentum</c> are kept; nothing else of the
/// network changes, whatever its forward does to it. What is replaced is disposed of, and the new weights are other parameters: make
/// optimisers, and register hooks, after the conversion. New weights are drawn from torch's generator, as those of any new layer.</para>
/// </remarks>
public static class XSepConverter
{
    /// <summary>Converts a network in place. Nothing is changed when anything fails.</summary>
    /// <param name="network">The network.</param>
    /// <param name="input">
    /// Shape of an input, such as [1, 3, 224, 224]: forwards on it tell which layers run, in which order and on which maps.
    /// </param>
    /// <param name="options">What to replace and how; the defaults when null.</param>
    /// <returns>What was replaced, what was left and why, parameters and MACs before and after.</returns>
    /// <exception cref="ArgumentException">
    /// An option is out of range, the shape is not positive, or the network does not run on it, or not repeatably.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// There is nothing to replace (the message says why), or the converted network does not run.
    /// </exception>
    /// <exception cref="OperationCanceledException"><see cref="ConversionOptions.CancellationToken"/> says so.</exception>
    public static ConversionReport Convert(nn.Module<Tensor, Tensor> network, long[] input, ConversionOptions? options = null)
    {
        options ??= new();
        Check(network, input, options);
        using var draws = new RandomState();
        var replacements = new List<Replacement>();
        ConversionReport report;
        try
        {
            using var probing = new Probing(network);
            var (search, cost) = Search(network, input, options);
            if (search.Candidates.Count == 0) throw NothingToReplace(search);

            foreach (var (candidate, padding) in search.Candidates.Zip(ConversionPadding.Plan(search.Candidates)))
            {
                replacements.Add(Replacement.Create(candidate, padding, options));
            }

            // New weights are drawn as those of any new layer; what runs from here on draws nothing.
            using var untouched = new RandomState();
            if (options.Initialise == KernelInitialisation.Fit) replacements.ForEach(replacement => replacement.Fit(network, options));
            report = Report(input, search, [.. replacements.Select(replacement => replacement.Describe())], cost);
            using var swap = new ModuleSwap();
            foreach (var replacement in replacements) replacement.PutInto(search.Places, swap);
            RequireThatItRuns(network, input, search, replacements);
            swap.Keep();
        }
        catch
        {
            foreach (var replacement in replacements) replacement.DisposeNew();
            throw;
        }

        foreach (var replacement in replacements) replacement.TakeOver();
        draws.Keep();
        return report;
    }

    /// <summary>Says what <see cref="Convert"/> would do, and changes nothing. Finding nothing is no error here.</summary>
    /// <param name="network">The network.</param>
    /// <param name="input">Shape of an input.</param>
    /// <param name="options">What to replace and how; the defaults when null. Nothing is fitted.</param>
    /// <returns>What would be replaced and left, and the parameters and MACs that would result.</returns>
    /// <exception cref="ArgumentException">
    /// An option is out of range, the shape is not positive, or the network does not run on it, or not repeatably.
    /// </exception>
    public static ConversionReport Preview(nn.Module<Tensor, Tensor> network, long[] input, ConversionOptions? options = null)
    {
        options ??= new();
        Check(network, input, options, fits: false);
        using var probing = new Probing(network);
        var (search, cost) = Search(network, input, options);
        var replaced = search.Candidates.Zip(ConversionPadding.Plan(search.Candidates))
            .Select(entry => Replacement.Describe(entry.First, entry.Second, options.Activation, fitError: null));
        return Report(input, search, [.. replaced], cost);
    }

    private static (CandidateSearch Search, NetworkCost Cost) Search(
        nn.Module<Tensor, Tensor> network, long[] input, ConversionOptions options)
    {
        using var untouched = new RandomState();
        return (CandidateSearch.Run(network, input, options), NetworkCost.Of(network, input));
    }

    private static void Check(nn.Module<Tensor, Tensor> network, long[] input, ConversionOptions options, bool fits = true)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(input);
        if (fits) options.Validate();
        else options.ValidateUnfitted();
        if (input.Length == 0 || input.Any(size => size < 1))
        {
            throw new ArgumentException(
                $"The input shape is [{string.Join(", ", input)}]; every size is at least 1, such as [1, 3, 224, 224].", nameof(input));
        }
    }

    private static InvalidOperationException NothingToReplace(CandidateSearch search)
    {
        var reasons = Listing.Of(search.Left.Select(left => $"{left.Path}: {left.Reason}"));
        return new("There is nothing to replace: " + (
            reasons.Length > 0 ? $"{reasons}."
            : search.Tree.Modules.Count == 1
                ? "the network has no registered children; a module of your own calls RegisterComponents() at the end of its constructor."
            : $"the network has no depthwise {TypeName.Of(typeof(TorchSharp.Modules.Conv2d))} (groups = in = out channels) outside "
                + "an XSepConv."));
    }

    private static ConversionReport Report(long[] input, CandidateSearch search, IReadOnlyList<ReplacedLayer> replaced, NetworkCost cost) =>
        new(
        [.. input],
        replaced,
        search.Left,
        cost.Parameters,
        cost.Parameters + replaced.Sum(layer => layer.ParametersAfter - layer.ParametersBefore),
        cost.Macs,
        cost.Macs + replaced.Sum(layer => layer.MacsAfter - layer.MacsBefore),
        cost.NotCounted);

    private static void RequireThatItRuns(
        nn.Module<Tensor, Tensor> network, long[] input, CandidateSearch search, List<Replacement> replacements)
    {
        using var scope = NewDisposeScope();
        var runs = new int[replacements.Count];
        var removers = new List<Action>();
        try
        {
            for (var i = 0; i < runs.Length; i++)
            {
                var index = i;
                removers.Add(replacements[i].Module.register_forward_hook(_ => runs[index]++).remove);
            }

            var output = network.call(CandidateSearch.ProbeInput(network, input));
            if (!output.shape.AsSpan().SequenceEqual(search.OutputShape))
            {
                throw new InvalidOperationException(
                    $"its output has shape [{string.Join(", ", output.shape)}] instead of [{string.Join(", ", search.OutputShape)}]");
            }

            var wrong = Array.FindIndex(runs, count => count != 1);
            if (wrong >= 0)
            {
                throw new InvalidOperationException(
                    $"the module put in at '{replacements[wrong].Path}' runs {runs[wrong]} times instead of once");
            }
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"The converted network does not run, so nothing was changed: {e.Message}.", e);
        }
        finally
        {
            foreach (var remove in removers) remove();
        }
    }
}
