using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Parity;

/// <summary>Random blocks and networks, weights included, computed by PyTorch at the same time.</summary>
public class LiveComparisonTests(LiveComparison live) : IClassFixture<LiveComparison>
{
    [Fact]
    public void Random_cases_agree_in_outputs_gradients_and_statistics()
    {
        live.Require();
        using var oneThread = new OneThread();
        var problems = new List<string>();
        foreach (var which in live.Cases)
        {
            using var scope = NewDisposeScope();
            using var module = which.Build(ScalarType.Float64);
            var results = ParityRun.Of(module, which, ScalarType.Float64);
            var expected = GoldenFile.Read(live.ResultsOf(which));
            expected.Remove("after");
            Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), results.Keys.Order(StringComparer.Ordinal));
            problems.AddRange(Agreement.Problems(results, expected, _ => Agreement.Float64, gradientFloor: 1e-4).Select(problem => $"{which}: {problem}"));
        }

        Agreement.Require(problems, live.About);
    }

    [Fact]
    public void Weights_that_PyTorch_saved_load_strictly_and_give_its_outputs()
    {
        live.Require();
        using var oneThread = new OneThread();
        var problems = new List<string>();
        foreach (var which in live.Cases)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            using var module = which.Network is null ? which.BuildEmpty(ScalarType.Float64) : MobileNet.FromSafeTensors(live.AfterOf(which), dtype: ScalarType.Float64);
            if (module is MobileNet network) Assert.Equal(which.Network, network.Spec);
            else module.LoadSafeTensors(live.AfterOf(which), strict: true);
            module.eval();
            var results = new Dictionary<string, Tensor> { ["after"] = module.call(which.DeriveInput()) };
            var expected = GoldenFile.Read(live.ResultsOf(which)).Where(entry => entry.Key == "after").ToDictionary();
            problems.AddRange(Agreement.Problems(results, expected, _ => Agreement.Float64, gradientFloor: 0).Select(problem => $"{which}: {problem}"));
        }

        Agreement.Require(problems, live.About);
    }

    [Fact]
    public void Tables_are_the_same_on_both_sides_whatever_the_options()
    {
        live.Require();
        var theirs = live.ReadTables();
        foreach (var (name, _, _, ours) in LiveComparison.Tables) Assert.Equal(ours, NetworkSpec.FromJson(theirs[name]));
    }

    [Fact]
    public void Parameters_and_MACs_agree()
    {
        live.Require();
        using var oneThread = new OneThread();
        var profiles = live.ReadProfiles();
        foreach (var which in LiveComparison.Profiles)
        {
            using var network = new MobileNet(which.Network!);
            var ours = ModelProfile.Of(network, which.Input);
            var expected = (profiles[which.Name].GetProperty("parameters").GetInt64(), profiles[which.Name].GetProperty("macs").GetInt64());

            Assert.Equal(expected, (ours.Parameters, ours.Macs));
        }
    }
}
