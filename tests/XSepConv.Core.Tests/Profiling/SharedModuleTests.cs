using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Profiling;

/// <summary>A module that runs several times costs as much each time, and has its parameters once.</summary>
public sealed class SharedModuleTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string, int> Shared
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var module in new[] { "conv", "norm", "chain", "XSepConv2d", "XSepBlock", "SepBlock", "DwBlock" })
            {
                foreach (var times in new[] { 1, 2, 3 }) data.Add(module, times);
            }

            return data;
        }
    }

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(Shared))]
    public void Counts_are_those_of_the_network_unrolled_with_the_parameters_of_one(string name, int times)
    {
        var module = Create(name);
        var parameters = module.parameters().Sum(parameter => parameter.numel());
        var shared = ModelProfile.Of(Chain(times, () => module), 1, 8, 9, 9);
        var unrolled = ModelProfile.Of(Chain(times, () => Create(name)), 1, 8, 9, 9);
        Assert.Equal(parameters * times, unrolled.Parameters);
        Assert.Equal(parameters, shared.Parameters);
        Assert.Equal(unrolled.Macs, shared.Macs);

        // A row a run, each under the first of its paths.
        Assert.Equal(
            unrolled.Layers.Select(layer => (layer.Kind, layer.Macs, layer.Padding, layer.Backend, Shape: string.Join('×', layer.Output))),
            shared.Layers.Select(layer => (layer.Kind, layer.Macs, layer.Padding, layer.Backend, Shape: string.Join('×', layer.Output))));
        Assert.Equal(shared.Layers.Count / times, shared.Layers.Select(layer => layer.Name).Distinct().Count());
    }

    [Fact]
    public void A_weight_that_two_layers_hold_counts_once()
    {
        var (one, other) = (nn.Linear(6, 6), nn.Linear(6, 6));
        other.weight = one.weight;
        var profile = ModelProfile.Of(nn.Sequential(one, nn.ReLU(), other), 1, 6);
        Assert.Equal((36 + 6 + 6, 72), (profile.Parameters, profile.Macs));
    }

    [Fact]
    public void A_report_of_a_conversion_counts_so_too()
    {
        var point = nn.Conv2d(8, 8, 1, bias: false);
        var network = nn.Sequential(point, nn.Conv2d(8, 8, 7, padding: 3, groups: 8, bias: false), nn.BatchNorm2d(8), nn.ReLU(), point);
        var report = XSepConverter.Convert(network, [1, 8, 16, 16]);
        Assert.Equal(64 + (49 * 8) + 16, report.ParametersBefore);
        Assert.Equal(256 * ((2 * 64) + (49 * 8)), report.MacsBefore);
        Assert.Equal(256 * ((2 * 64) + ((4 + 14) * 8)), report.MacsAfter);
    }

    private static nn.Module<Tensor, Tensor> Chain(int times, Func<nn.Module<Tensor, Tensor>> next) =>
        nn.Sequential(Enumerable.Range(0, times).SelectMany(i => new[] { ($"part{i}", next()), ($"act{i}", nn.ReLU()) }).ToArray());

    private static nn.Module<Tensor, Tensor> Create(string module) => module switch
    {
        "conv" => nn.Conv2d(8, 8, 3, padding: 1),
        "norm" => nn.BatchNorm2d(8),
        "chain" => nn.Sequential(("conv", nn.Conv2d(8, 8, 1)), ("norm", nn.BatchNorm2d(8))),
        "XSepConv2d" => new XSepConv2d(8, 5),
        "XSepBlock" => new XSepBlock(3, 8, 16, 8, PaddingDirection.LeftTop),
        "SepBlock" => new SepBlock(new BlockSpec(BlockKind.Sep, 3, 8, 16, 8, Activation.HSwish, SqueezeExcite.Expanded, 1)),
        _ => new DwBlock(5, 8, 16, 8),
    };
}
