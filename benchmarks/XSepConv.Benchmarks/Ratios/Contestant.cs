using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>One way of doing a piece of work.</summary>
/// <param name="Name">As in the JSON; several of the same name are layouts of one way, of which the faster correct one counts.</param>
/// <param name="Step">Does the work once.</param>
/// <param name="Results">Does the work once and hands out what it computed, for the comparison with float64.</param>
internal sealed record Contestant(string Name, Action Step, Func<IReadOnlyList<Tensor>> Results)
{
    public const string Nchw = "nchw", ChannelsLast = "channels-last";

    /// <summary>
    /// In training. In channels-last libtorch's batch norm sums in float32, one value after the other: its means are 1e-5 off, and ten
    /// times as many values are on the other side of a bend. Users train so; what oneDNN computes wrongly is off by the value itself.
    /// </summary>
    public const double ChannelsLastSlack = 10;

    /// <summary>
    /// <c>nchw</c> or <c>channels-last</c> where the way is measured in both; its milliseconds are then given beside the faster's.
    /// </summary>
    public string? Layout { get; init; }

    /// <summary>The name, and the layout where there is one.</summary>
    public string NameInLayout => Layout is null ? Name : $"{Name}-{Layout}";

    /// <summary>How many times the tolerances it may be from float64.</summary>
    public double Slack { get; init; } = 1;

    /// <summary>Distances of its results from float64, found when it was checked: those of gradients, the median.</summary>
    public double? GradientDistance { get; init; }

    /// <summary>The same on so many of libtorch's threads, as <c>threads-N</c>.</summary>
    public Contestant With(int threads) => this with
    {
        Name = $"threads-{threads}",
        Step = () =>
        {
            set_num_threads(threads);
            Step();
        },
    };
}
