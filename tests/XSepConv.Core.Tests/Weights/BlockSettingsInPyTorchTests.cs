using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>What a block was built with is in the file that Python writes of it: no other one takes its weights, there or here.</summary>
public sealed class BlockSettingsInPyTorchTests : IDisposable
{
    // Of each kind one block, and for each of its settings one that differs in it alone. All have tensors of the same names and shapes.
    private const string Script = """
        import itertools, json, sys
        sys.path.insert(0, sys.argv[1])
        from torch import nn
        from xsepconv_torch import *
        from xsepconv_torch import SETTINGS_KEY
        KINDS = {
            "XSepConv2d": (dict(channels=8, kernel_size=5), dict(stride=(1, 2), padding=list(PaddingDirection), activation=list(Activation))),
            "XSepBlock": (dict(kernel_size=5, in_channels=8, expand_channels=16, out_channels=8), dict(
                stride=(1, 2), padding=list(PaddingDirection), activation=list(Activation), placement=list(PaddingPlacement))),
            "SepBlock": (dict(kernel_size=5, in_channels=8, expand_channels=16, out_channels=8), dict(
                stride=(1, 2), activation=list(Activation))),
            "DwBlock": (dict(kernel_size=5, in_channels=16, expand_channels=16, out_channels=16), dict(
                stride=(1, 2), activation=list(Activation), squeeze_excite=[SqueezeExcite.OUTPUT, SqueezeExcite.EXPANDED])),
            "InvertedResidualBlock": (dict(kernel_size=5, in_channels=8, expand_channels=16, out_channels=8), dict(
                stride=(1, 2), activation=list(Activation))),
            "XSepInvertedResidualBlock": (dict(kernel_size=5, in_channels=8, expand_channels=16, out_channels=8), dict(
                stride=(1, 2), padding=list(PaddingDirection), activation=list(Activation), placement=list(PaddingPlacement))),
        }
        text = lambda value: str(getattr(value, "value", value))
        for kind, (sizes, choices) in KINDS.items():
            first = {name: values[0] for name, values in choices.items()}
            others = [{**first, name: value} for name, values in choices.items() for value in values[1:]]
            build = lambda settings: nn.Sequential(globals()[kind](**sizes, **settings))
            for i, settings in enumerate([first, *others]):
                model = build(settings)
                save_safetensors(model.state_dict(), f"{sys.argv[2]}/{kind}.{i}", {SETTINGS_KEY: norm_settings(model)})
                written = load_safetensors(f"{sys.argv[2]}/{kind}.{i}")[1][SETTINGS_KEY]
                for other in [first, *others]:
                    differs = [name for name in choices if other[name] != settings[name]]
                    try:
                        apply_norm_settings(build(other), written)
                        assert not differs, (kind, settings, other)
                    except ValueError as error:
                        assert differs and "was built with" in str(error), (kind, settings, other, error)
                print(json.dumps([kind, i, {name: text(value) for name, value in settings.items()}]))
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_block_that_was_built_otherwise_is_refused_by_both()
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        Directory.CreateDirectory(_folder.File("blocks"));
        var said = await PythonWithTorch.RunAsync(
            python!, ["-c", Script, interop, _folder.File("blocks")], TestContext.Current.CancellationToken);
        var saved = said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Saved.Of).ToList();
        Assert.Equal(6, saved.Select(one => one.Kind).Distinct().Count());
        foreach (var one in saved)
        {
            foreach (var other in saved.Where(at => at.Kind == one.Kind))
            {
                using var model = nn.Sequential(other.Build());
                var path = Path.Combine(_folder.File("blocks"), $"{one.Kind}.{one.Number}");
                if (one == other)
                {
                    model.LoadSafeTensors(path);
                    continue;
                }

                var refused = Assert.ThrowsAny<Exception>(() => model.LoadSafeTensors(path));
                Assert.Contains(" in the file, '", refused.Message, StringComparison.Ordinal);
            }
        }
    }

    private sealed record Saved(string Kind, int Number, Dictionary<string, string> Settings)
    {
        public static Saved Of(string line)
        {
            using var parsed = System.Text.Json.JsonDocument.Parse(line);
            var root = parsed.RootElement;
            return new(
                root[0].GetString()!, root[1].GetInt32(),
                root[2].EnumerateObject().ToDictionary(at => at.Name, at => at.Value.GetString()!));
        }

        public nn.Module<Tensor, Tensor> Build()
        {
            var stride = Settings["stride"] == "2" ? 2 : 1;
            var activation = Setting<Activation>("activation");
            return Kind switch
            {
                "XSepConv2d" => new XSepConv2d(8, 5, stride, Setting<PaddingDirection>("padding"), activation),
                "XSepBlock" => new XSepBlock(
                    Row(BlockKind.XSep, SqueezeExcite.Expanded), Setting<PaddingDirection>("padding"), Setting<PaddingPlacement>("placement")),
                "SepBlock" => new SepBlock(Row(BlockKind.Sep, SqueezeExcite.Expanded)),
                "DwBlock" => new DwBlock(5, 16, 16, 16, activation, Setting<SqueezeExcite>("squeeze_excite"), stride),
                "InvertedResidualBlock" => new InvertedResidualBlock(Row(BlockKind.InvertedResidual, SqueezeExcite.None)),
                "XSepInvertedResidualBlock" => new XSepInvertedResidualBlock(
                    Row(BlockKind.XSepInvertedResidual, SqueezeExcite.None), Setting<PaddingDirection>("padding"),
                    Setting<PaddingPlacement>("placement")),
                _ => throw new InvalidOperationException($"There is no {Kind}."),
            };

            BlockSpec Row(BlockKind kind, SqueezeExcite squeezeExcite) => new(kind, 5, 8, 16, 8, activation, squeezeExcite, stride);
        }

        private T Setting<T>(string name)
            where T : struct, Enum => Enum.Parse<T>(Settings[name]);
    }
}
