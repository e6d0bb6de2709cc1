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

    // What is no class of it is not known; a flat surface of any colour must not be told with certainty.
    [Theory]
    [MemberData(nameof(Models))]
    public void A_model_answers_and_is_not_certain_of_a_flat_surface(string page)
    {
        using var session = CompiledModel.Load(Path.Combine(Repository.Root, page)).CreateSession();
        var top = new Prediction[3];
        foreach (byte grey in new byte[] { 0, 128, 255 })
        {
            var pixels = new byte[session.ImageLength];
            Array.Fill(pixels, grey);
            session.Classify(pixels, top);
            Assert.InRange(top[0].Probability, 0.1f, 0.9f);
            Assert.True(top[0].Probability >= top[1].Probability && top[1].Probability >= top[2].Probability);
        }
    }
}
