using TorchSharp;

namespace XSepConv.Core.Tests.Documentation;

/// <summary>The networks in <c>models</c>, and what their card says of them.</summary>
public sealed class ShippedModelTests
{
    private const long MostBytes = 4_000_000;

    private static readonly string s_card = File.ReadAllText(Path.Combine(Repository.Root, "models", "README.md"));

    public static TheoryData<string> Models() => [.. Repository.Pages("models", "*.safetensors")];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_is_what_its_card_says(string page)
    {
        var path = Path.Combine(Repository.Root, page);
        var model = CompiledModel.Load(path);

        Assert.Contains($"## {Path.GetFileName(page)}\n", s_card);
        Assert.InRange(new FileInfo(path).Length, 1, MostBytes);
        Assert.Contains($"{new FileInfo(path).Length:N0} bytes", s_card);
        Assert.Contains(string.Join(", ", model.Data!.Classes), s_card);
        Assert.Contains($"{model.Spec.ParameterCount():N0} parameters", s_card);
        Assert.False(model.Data.Synthetic);
    }

    // Logits of the layers in float64 are the expectation; the runtime's rounding is within 1e-4 of the largest.
    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_computes_what_its_layers_do_in_float64(string page)
    {
        var path = Path.Combine(Repository.Root, page);
        using var scope = torch.NewDisposeScope();
        using var network = MobileNet.FromSafeTensors(path);
        network.eval();
        using var session = CompiledModel.Load(path).CreateSession();
        torch.random.manual_seed(1);
        var image = torch.randn(1, network.Spec.InputChannels, session.Height, session.Width);
        var logits = new float[network.Spec.NumClasses];
        session.Run(image.data<float>().ToArray(), logits);

        network.to(torch.ScalarType.Float64);
        var expected = network.call(image.to_type(torch.ScalarType.Float64)).data<double>().ToArray();
        var largest = expected.Max(Math.Abs);
        Assert.All(expected.Zip(logits), pair => Assert.InRange(pair.Second, pair.First - (1e-4 * largest), pair.First + (1e-4 * largest)));
    }
}
