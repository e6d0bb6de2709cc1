using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Parity;

/// <summary>Blocks and small networks against what PyTorch computed for them (<c>Fixtures/generate.py</c>).</summary>
public class GoldenTests
{
    private const string Blocks = "blocks.safetensors", Networks = "networks.safetensors";

    public static TheoryData<string> BlockCases => [.. GoldenFile.Cases(Blocks).Select(which => which.Name)];

    public static TheoryData<string> NetworkCases => [.. GoldenFile.Cases(Networks).Select(which => which.Name)];

    [Theory, MemberData(nameof(BlockCases))]
    public void A_block_agrees_in_float64_in_outputs_gradients_and_statistics(string name)
    {
        using var scope = NewDisposeScope();
        var which = GoldenFile.Case(Blocks, name);
        var results = Run(which, ScalarType.Float64);

        Agreement.Require(Agreement.Problems(results, Expected(Blocks, name), _ => Agreement.Float64, gradientFloor: 1e-4));
    }

    [Theory, MemberData(nameof(BlockCases))]
    public void A_block_agrees_in_float32_as_well_as_rounding_allows(string name)
    {
        using var scope = NewDisposeScope();
        var which = GoldenFile.Case(Blocks, name);
        var results = Run(which, ScalarType.Float32);

        Agreement.Require(Agreement.Problems(results, Expected(Blocks, name), key => Agreement.Float32(which.Float32Errors[Group(key)]), gradientFloor: 1e-2));
    }

    [Theory, MemberData(nameof(NetworkCases))]
    public void A_network_agrees_in_float64_in_outputs_gradients_and_statistics(string name)
    {
        using var scope = NewDisposeScope();
        var which = GoldenFile.Case(Networks, name);
        var results = Run(which, ScalarType.Float64);
        var expected = Expected(Networks, name);

        Agreement.Require(Agreement.Problems(results, Without(expected, Agreement.IsGradient), _ => Agreement.Float64, gradientFloor: 0));
        Agreement.Require(FingerprintProblems(results, Without(expected, key => !Agreement.IsGradient(key))));
    }

    [Theory, MemberData(nameof(NetworkCases))]
    public void A_network_agrees_in_float32_as_well_as_rounding_allows(string name)
    {
        using var scope = NewDisposeScope();
        var which = GoldenFile.Case(Networks, name);
        var results = Run(which, ScalarType.Float32);

        // Some activation of so many is within rounding of a kink, where float32 takes the other side's slope: gradients are float64's matter.
        var expected = Without(Expected(Networks, name), Agreement.IsGradient);
        Agreement.Require(Agreement.Problems(results, expected, key => Agreement.Float32(which.Float32Errors[Group(key)]), gradientFloor: 0));
    }

    [Fact]
    public void Goldens_stay_below_three_megabytes()
    {
        var files = Directory.GetFiles(RepositoryFiles.Fixture(""), "*.safetensors");

        Assert.NotEmpty(files);
        Assert.True(files.Sum(file => new FileInfo(file).Length) < 3_000_000);
    }

    private static Dictionary<string, Tensor> Run(ParityCase which, ScalarType dtype)
    {
        using var module = which.Build(dtype);
        return ParityRun.Of(module, which, dtype);
    }

    private static Dictionary<string, Tensor> Expected(string file, string name) => GoldenFile.Read(RepositoryFiles.Fixture(file), $"{name}/");

    private static Dictionary<string, Tensor> Without(Dictionary<string, Tensor> tensors, Func<string, bool> leaveOut) =>
        tensors.Where(entry => !leaveOut(entry.Key)).ToDictionary();

    private static string Group(string key) =>
        Agreement.IsGradient(key) ? "gradient" : key.StartsWith("buffer/", StringComparison.Ordinal) ? "statistics" : key;

    // The golden has a gradient's norm, sum and four projections. If gradients differ by no more than t times the norm, each of these differs
    // by no more than t · norm · √n (Cauchy-Schwarz; the projections' vectors lie in [-1, 1]).
    private static List<string> FingerprintProblems(Dictionary<string, Tensor> results, Dictionary<string, Tensor> expected)
    {
        var problems = new List<string>();
        var largest = expected.Values.Max(fingerprint => fingerprint[0].item<double>());
        foreach (var (key, fingerprint) in expected)
        {
            var flat = results[key].reshape(-1);
            var ours = new List<Tensor> { flat.norm(), flat.sum() };
            for (var j = 0; j < 4; j++) ours.Add((flat * DerivedTensors.Derive($"projection/{j}", flat.shape, -1, 1)).sum());
            var difference = (stack(ours) - fingerprint).abs().max().item<double>();
            var norm = Math.Max(fingerprint[0].item<double>(), 1e-4 * largest);
            var allowed = Agreement.Float64 * norm * Math.Sqrt(flat.numel());
            if (!(difference <= allowed)) problems.Add($"{key}'s fingerprint differs by {difference:E2}, allowed are {allowed:E2}");
        }

        return problems;
    }
}
