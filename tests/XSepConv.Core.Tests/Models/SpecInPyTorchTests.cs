using XSepConv.Core.Tests.Parity;

namespace XSepConv.Core.Tests.Models;

/// <summary>A network's description is taken by Python and by .NET, or refused by both.</summary>
public sealed class SpecInPyTorchTests : IDisposable
{
    private const string Script = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from xsepconv_torch import MobileNet, NetworkSpec
        for line in open(sys.argv[2], encoding="utf-8"):
            try:
                NetworkSpec.from_json(line.rstrip("\n"))
                print("taken")
            except ValueError as error:
                print("refused", " ".join(str(error).split()))
        """;

    private static readonly (string Name, string Value)[] Root =
    [
        ("name", "\"a\""), ("inputChannels", "3"), ("numClasses", "2"), ("stemChannels", "8"), ("stemStride", "1"), ("blocks", "?"),
        ("lastChannels", "8"), ("hiddenFeatures", "8"), ("dropout", "0.5"), ("paddingPlacement", "\"BeforeExpand\""),
        ("paddingStrategy", "\"Symmetric\""), ("activation", "\"ReLU\""), ("normEpsilon", "0.001"), ("normMomentum", "0.5"),
        ("hiddenNorm", "false"),
    ];

    private static readonly (string Name, string Value)[] Row =
    [
        ("kind", "\"XSep\""), ("kernel", "5"), ("in", "8"), ("expand", "16"), ("out", "8"), ("activation", "\"SiLU\""),
        ("squeezeExcite", "\"Expanded\""), ("stride", "2"), ("squeezeChannels", "4"),
    ];

    private static readonly string[] Values =
    [
        "null", "true", "false", "\"\"", "\" \"", "\"x\"", "\"3\"", "\"Dw\"", "\"Sep\"", "\"InvertedResidual\"", "\"Output\"", "\"None\"",
        "\"hswish\"", "-1", "0", "1", "2", "3", "4", "8", "2.0", "1.5", "0.25", "1e0", "5e-324", "1e400", "255", "257", "65536", "65537",
        "1000000", "1000001",
        "2147483648", "99999999999999999999", "NaN", "Infinity", "-Infinity", "[]", "{}", "[1]", "[null]",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Each_field_with_each_value_has_the_same_verdict()
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var plain = Row[..^1];
        string[] texts =
        [
            Description(Root, Row), .. Variants(Root).Select(root => Description(root, Row)),
            .. Variants(Row).Select(row => Description(Root, row)), .. Variants(plain).Select(row => Description(Root, row)),
            "", "null", "[]", "1", "{", "{} x", new('[', 2_000),
            .. new[] { 1, 25, 26, 1_024, 1_025 }.Select(count => Description(Root, Row, count)),
            .. new[] { 1_024, 1_025 }.Select(count => Description(Root, [.. Row[..7], ("stride", "1")], count)),
        ];
        await File.WriteAllLinesAsync(_folder.File("texts"), texts, TestContext.Current.CancellationToken);
        var said = (await PythonWithTorch.RunAsync(
            python!, ["-c", Script, Path.Combine(Documentation.Repository.Root, "interop", "pytorch"), _folder.File("texts")],
            TestContext.Current.CancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(texts.Length, said.Length);
        Assert.Equal("taken", said[0]);
        var differing = texts.Zip(said)
            .Select(pair => (Text: pair.First, There: pair.Second, Here: Record.Exception(() => NetworkSpec.FromJson(pair.First))?.Message))
            .Where(one => (one.Here is null) != (one.There == "taken"))
            .Select(one => $"{one.Text[..Math.Min(one.Text.Length, 400)]}\nhere {one.Here ?? "taken"}\nthere {one.There}");
        Assert.Empty(differing);
    }

    private static IEnumerable<(string Name, string Value)[]> Variants((string Name, string Value)[] fields)
    {
        yield return [.. fields, ("zzz", "1")];
        for (var i = 0; i < fields.Length; i++)
        {
            var (name, _) = fields[i];
            yield return [.. fields[..i], .. fields[(i + 1)..]];
            yield return [.. fields, fields[i]];
            yield return [.. fields[..i], (name.ToUpperInvariant(), fields[i].Value), .. fields[(i + 1)..]];
            foreach (var value in Values) yield return [.. fields[..i], (name, value), .. fields[(i + 1)..]];
        }
    }

    private static string Description((string Name, string Value)[] root, (string Name, string Value)[] row, int count = 1)
    {
        var rows = $"[{string.Join(',', Enumerable.Repeat(Object(row), count))}]";
        return Object([.. root.Select(field => field.Value == "?" ? (field.Name, rows) : field)]);
    }

    private static string Object((string Name, string Value)[] fields) =>
        $"{{{string.Join(',', fields.Select(field => $"\"{field.Name}\":{field.Value}"))}}}";
}
