namespace XSepConv.Runtime.Tests.Models;

public sealed class NetworkSpecJsonTests
{
    private const string Row = """{"kind":"XSep","kernel":3,"in":8,"expand":16,"out":8,"activation":"HSwish","squeezeExcite":"None","stride":1}""";

    private const string Small =
        $$"""{"name":"test","inputChannels":1,"numClasses":10,"stemChannels":8,"stemStride":1,"blocks":[{{Row}}],"lastChannels":16,"hiddenFeatures":32,"dropout":0.25,"paddingPlacement":"BeforeExpand"}""";

    [Fact]
    public void Written_by_hand_it_is_read()
    {
        var spec = NetworkSpec.FromJson(Small);
        Assert.Equal(
            new NetworkSpec
            {
                Name = "test",
                InputChannels = 1,
                NumClasses = 10,
                StemChannels = 8,
                StemStride = 1,
                LastChannels = 16,
                HiddenFeatures = 32,
                Dropout = 0.25,
                PaddingPlacement = PaddingPlacement.BeforeExpand,
                Blocks = [new(BlockKind.XSep, 3, 8, 16, 8, Activation.HSwish, SqueezeExcite.None, 1)],
            },
            spec);
        Assert.Equal(Small, spec.ToJson());
    }

    [Fact]
    public void Every_network_comes_back_as_it_was()
    {
        foreach (var options in new MobileNetV3Options[]
        {
            new(), new() { Preset = ImagePreset.Cifar, NumClasses = 10 }, new() { Width = 0.35, Dropout = 0.1 }, new() { Kernels = [31, 29, 27, 13], PaddingPlacement = PaddingPlacement.BeforeExpand },
        })
        {
            foreach (var spec in NetworkCatalog.Names.Select(name => NetworkCatalog.Build(name, options)))
            {
                Assert.Equal(spec, NetworkSpec.FromJson(spec.ToJson()));
                var other = spec with { PaddingStrategy = PaddingStrategy.RightBottom, Blocks = [.. spec.Blocks.Select(block => block with { Kind = BlockKind.Sep, SqueezeExcite = SqueezeExcite.None, SqueezeChannels = null })] };
                Assert.Equal(other, NetworkSpec.FromJson(other.ToJson()));
                Assert.Contains("\"paddingStrategy\":\"RightBottom\"", other.ToJson(), StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("null", "null")]
    [InlineData("[]")]
    [InlineData("{}", "name", "blocks")]
    [InlineData("{\"name\":")]
    [InlineData("NaN")]
    public void Text_that_is_no_spec_is_refused(string json, params string[] mentioned) => Refused(json, mentioned);

    // One thing in the small spec is replaced by another.
    [Theory]
    [InlineData("\"name\":\"test\"", "\"name\":null", "name")]
    [InlineData("\"name\":\"test\"", "\"name\":5", "name")]
    [InlineData("\"name\":\"test\"", "\"name\":\"\"", "name is empty")]
    [InlineData("\"name\":\"test\",", "", "name")]
    [InlineData("\"name\":\"test\"", "\"name\":\"test\",\"name\":\"test\"", "name")]
    [InlineData("\"name\":\"test\"", "\"name\":\"\\ud800\"")]
    [InlineData("\"name\":\"test\"", "\"name\":\"test\",\"surprise\":1", "surprise")]
    [InlineData("\"name\"", "\"Name\"", "Name")]
    [InlineData("\"stemChannels\":8,", "", "stemChannels")]
    [InlineData("\"stemChannels\":8", "\"stemChannels\":8.5", "stemChannels")]
    [InlineData("\"stemChannels\":8", "\"stemChannels\":\"8\"", "stemChannels")]
    [InlineData("\"stemChannels\":8", "\"stemChannels\":-8", "stem channels is -8")]
    [InlineData("\"stemChannels\":8", "\"stemChannels\":99999999999", "stemChannels")]
    [InlineData("\"stemChannels\":8", "\"stemChannels\":1e999", "stemChannels")]
    [InlineData("\"numClasses\":10", "\"numClasses\":2147483647", "classes is 2147483647")]
    [InlineData("\"dropout\":0.25", "\"dropout\":1e999", "dropout")]
    [InlineData("\"dropout\":0.25", "\"dropout\":NaN", "dropout")]
    [InlineData("\"dropout\":0.25", "\"dropout\":\"NaN\"", "dropout")]
    [InlineData("\"dropout\":0.25", "\"dropout\":-0.25", "dropout is -0.25")]
    [InlineData("\"BeforeExpand\"", "\"Sideways\"", "paddingPlacement")]
    [InlineData("\"BeforeExpand\"", "1", "paddingPlacement")]
    [InlineData("\"blocks\":[" + Row + "],", "", "blocks")]
    [InlineData("[" + Row + "]", "null", "blocks")]
    [InlineData("[" + Row + "]", "[]", "0 blocks")]
    [InlineData("[" + Row + "]", "{}", "blocks")]
    [InlineData("[" + Row + "]", "[null]", "block 0 is missing")]
    [InlineData("[" + Row + "]", "[[]]", "blocks")]
    [InlineData("[" + Row + "]", "[{}]", "kind", "kernel")]
    [InlineData("\"kind\":\"XSep\",", "", "kind")]
    [InlineData("\"kind\":\"XSep\"", "\"kind\":1", "kind")]
    [InlineData("\"kind\":\"XSep\"", "\"kind\":\"1\"", "kind")]
    [InlineData("\"kind\":\"XSep\"", "\"kind\":null", "kind")]
    [InlineData("\"kind\":\"XSep\"", "\"kind\":\"xsep\"", "'xsep' is none of Dw, XSep", "blocks[0].kind")]
    [InlineData("\"kind\":\"XSep\"", "\"kind\":[]", "kind")]
    [InlineData("\"kind\":\"XSep\"", "\"kind\":\"Dw, XSep\"", "kind")]
    [InlineData("\"kind\":\"XSep\"", "\"kind\":\"XSep\",\"kind\":\"Dw\"", "kind")]
    [InlineData("\"squeezeExcite\":\"None\",", "", "squeezeExcite")]
    [InlineData("\"activation\":\"HSwish\"", "\"activation\":\"GELU\"", "activation")]
    [InlineData("\"kernel\":3", "\"kernel\":4", "block 0: kernel is 4")]
    [InlineData("\"kernel\":3", "\"kernel\":2147483647", "block 0: kernel is 2147483647")]
    [InlineData("\"kernel\":3", "\"kernel\":null", "kernel")]
    [InlineData("\"in\":8", "\"in\":9", "block 0: in is 9, but the stem gives 8")]
    [InlineData("\"stride\":1}", "\"stride\":1,\"padding\":\"LeftTop\"}", "padding")]
    public void A_spec_with_a_flaw_is_refused(string part, string flaw, params string[] mentioned)
    {
        Assert.Contains(part, Small);
        Refused(Small.Replace(part, flaw), mentioned);
    }

    [Fact]
    public void Too_much_text_and_too_deep_nesting_are_refused()
    {
        Refused(new string(' ', (1 << 20) + 1), "1,048,577 characters");
        Refused(new string('[', 1 << 20));
        Refused(Small.Replace("\"test\"", new string('[', 500_000)));
        Refused(Small.Replace(Row, string.Join(',', Enumerable.Repeat(Row, 5_000))), "5000 blocks");
        Assert.Throws<ArgumentNullException>(() => NetworkSpec.FromJson(null!));
    }

    [Fact]
    public void Mutated_text_is_read_or_refused_and_nothing_else()
    {
        const string Letters = "{}[]\":,0123456789-+.eE\\uDwXSepnultrfa \uD800\uDC00\0";
        var random = new Random(5);
        var read = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var text = Small.ToCharArray().ToList();
            for (var rounds = random.Next(1, 4); rounds > 0; rounds--)
            {
                var at = random.Next(text.Count);
                if (random.Next(3) == 0) text.RemoveAt(at);
                else if (random.Next(2) == 0) text[at] = Letters[random.Next(Letters.Length)];
                else text.Insert(at, Letters[random.Next(Letters.Length)]);
            }

            try
            {
                NetworkSpec.FromJson(string.Concat(text));
                read++;
            }
            catch (FormatException)
            {
                // The one way to say no.
            }
        }

        Assert.InRange(read, 100, 19_000);
    }

    private static void Refused(string json, params string[] mentioned)
    {
        var e = Assert.Throws<FormatException>(() => NetworkSpec.FromJson(json));
        Assert.StartsWith("The network's description", e.Message);
        Assert.All(mentioned, part => Assert.Contains(part, e.Message));
    }
}
