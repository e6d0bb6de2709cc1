using System.Globalization;
using System.Text.Json;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Parity;

/// <summary>Draws cases from a seed and has PyTorch compute them all in one process (<c>live.py</c>), before the tests look.</summary>
public sealed class LiveComparison : IAsyncLifetime
{
    private const string SeedVariable = "XSEPCONV_SEED";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("xsepconv-live-");
    private bool _ran;

    /// <summary>Repeats a run when <c>XSEPCONV_SEED</c> is set to it.</summary>
    public int Seed { get; } = ChooseSeed();

    internal IReadOnlyList<ParityCase> Cases { get; private set; } = [];

    internal static IReadOnlyList<ParityCase> Profiles { get; } =
    [
        new() { Name = "default", Network = MobileNetV3SmallSpec.XSep(), Input = [1, 3, 224, 224] },
        new() { Name = "twin", Network = MobileNetV3SmallSpec.Twin(), Input = [1, 3, 224, 224] },
        new() { Name = "cifar", Network = MobileNetV3SmallSpec.XSep(new() { Preset = ImagePreset.Cifar, NumClasses = 10 }), Input = [1, 3, 32, 32] },
        new() { Name = "width", Network = MobileNetV3SmallSpec.XSep(new() { Width = 0.5 }), Input = [1, 3, 224, 224] },
        new() { Name = "options", Network = MobileNetV3SmallSpec.XSep(new() { Width = 1.3, InputChannels = 1, Kernels = [7], PaddingPlacement = PaddingPlacement.BeforeExpand }), Input = [2, 1, 97, 130] },
        new() { Name = "stages", Network = MobileNetV3SmallSpec.XSep(new() { Kernels = [31, 29, 27, 13] }), Input = [1, 3, 224, 224] },
        new() { Name = "large kernels", Network = LargeKernelSmallSpec.XSep(), Input = [1, 3, 224, 224] },
        new() { Name = "large kernels, twin", Network = LargeKernelSmallSpec.Twin(new() { Width = 0.5 }), Input = [1, 3, 96, 96] },
    ];

    /// <summary>Tables that both sides can build: PyTorch's function and its options as JSON, and ours.</summary>
    internal static IReadOnlyList<(string Name, string Function, string Options, NetworkSpec Ours)> Tables { get; } =
    [
        ("default", "mobilenet_v3_small_spec", "{}", MobileNetV3SmallSpec.XSep()),
        ("twin", "mobilenet_v3_small_spec", """{"depthwise": true, "num_classes": 7, "preset": "Cifar", "width": 0.35, "dropout": 0.25, "input_channels": 1}""",
            MobileNetV3SmallSpec.Twin(new() { NumClasses = 7, Preset = ImagePreset.Cifar, Width = 0.35, Dropout = 0.25, InputChannels = 1 })),
        ("one", "mobilenet_v3_small_spec", """{"kernels": [5], "preset": "Cifar"}""", MobileNetV3SmallSpec.XSep(new() { Kernels = [5], Preset = ImagePreset.Cifar })),
        ("stages", "mobilenet_v3_small_spec", """{"kernels": [31, 29, 5, 3], "activation": "SiLU"}""",
            MobileNetV3SmallSpec.XSep(new() { Kernels = [31, 29, 5, 3], Activation = Activation.SiLU })),
        ("rows", "mobilenet_v3_small_spec", """{"kernels": [3, 5, 7, 9, 5, 5, 3, 63, 5, 3, 13], "padding_placement": "BeforeExpand", "depthwise": true}""",
            MobileNetV3SmallSpec.Twin(new() { Kernels = [3, 5, 7, 9, 5, 5, 3, 63, 5, 3, 13], PaddingPlacement = PaddingPlacement.BeforeExpand })),
        ("large kernels", "large_kernel_small_spec", "{}", LargeKernelSmallSpec.XSep()),
        ("large kernels, twin", "large_kernel_small_spec", """{"depthwise": true, "width": 0.5, "kernels": [5], "preset": "Cifar"}""",
            LargeKernelSmallSpec.Twin(new() { Width = 0.5, Kernels = [5], Preset = ImagePreset.Cifar })),
    ];

    // Small networks of the catalog, with kernels of every size.
    private static ParityCase[] Networks(int seed)
    {
        var options = new MobileNetV3Options { NumClasses = 5, Preset = ImagePreset.Cifar, Width = 0.25 };
        return
        [
            .. new[]
            {
                LargeKernelSmallSpec.XSep(options), LargeKernelSmallSpec.Twin(options), MobileNetV3SmallSpec.XSep(options with { Kernels = [31, 29, 27, 13] }),
                MobileNetV3SmallSpec.XSep(options with { Kernels = [3, 5, 7, 9, 11, 13, 15, 21, 31, 47, 63], Activation = Activation.SiLU }),
                MobileNetV3LargeSpec.XSep(options with { Kernels = [63] }),
            }.Select((spec, i) => new ParityCase { Name = $"catalog-{i}", Network = spec, Input = [4, 3, 32, 24], Prefix = $"live/{seed}/catalog-{i}" }),
        ];
    }

    public async ValueTask InitializeAsync()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var python = await PythonWithTorch.FindAsync(cancellation);
        if (python is null) return;

        var random = new RandomCases(Seed);
        Cases = [.. Enumerable.Range(0, 60).Select(random.Block), .. Enumerable.Range(0, 20).Select(random.Operator), .. Enumerable.Range(0, 8).Select(random.Network), .. Networks(Seed)];
        foreach (var which in Cases) WriteInputs(which);
        var tables = Tables.Select(table => new Dictionary<string, string>
        {
            ["name"] = table.Name,
            ["function"] = table.Function,
            ["options"] = table.Options,
        });
        var request = new Dictionary<string, object> { ["cases"] = Cases, ["profiles"] = Profiles, ["tables"] = tables };
        await File.WriteAllTextAsync(PathOf("request.json"), JsonSerializer.Serialize(request, ParityCase.Json), cancellation);
        try
        {
            await PythonWithTorch.RunAsync(python, [RepositoryFiles.Script("live.py"), _folder.FullName], cancellation);
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidOperationException($"{About}{e.Message}", e);
        }

        _ran = true;
    }

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>In front of every failure, so that it can be repeated.</summary>
    internal string About => $"With {SeedVariable}={Seed.ToString(CultureInfo.InvariantCulture)}:\n";

    /// <summary>Skips the test where no Python with torch is at hand.</summary>
    internal void Require()
    {
        Assert.SkipUnless(
            _ran,
            "The live comparison needs a Python with torch: install Debian's python3-torch (apt-get install python3-torch), or set "
            + $"{PythonWithTorch.Variable} to a Python that can import torch (pip install torch).");
        TestContext.Current.TestOutputHelper?.WriteLine($"{SeedVariable}={Seed.ToString(CultureInfo.InvariantCulture)}");
    }

    /// <summary>PyTorch's profile by name.</summary>
    internal Dictionary<string, JsonElement> ReadProfiles() =>
        JsonDocument.Parse(File.ReadAllText(PathOf("profiles.json"))).RootElement.EnumerateArray().ToDictionary(profile => profile.GetProperty("name").GetString()!);

    /// <summary>PyTorch's tables in their JSON form, by name.</summary>
    internal Dictionary<string, string> ReadTables() => JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(PathOf("tables.json")))!;

    internal string ResultsOf(ParityCase which) => PathOf($"{which.Name}.results.safetensors");

    /// <summary>The state dict that PyTorch saved after a step of gradient descent.</summary>
    internal string AfterOf(ParityCase which) => PathOf($"{which.Name}.after.safetensors");

    private string PathOf(string file) => Path.Combine(_folder.FullName, file);

    private void WriteInputs(ParityCase which)
    {
        using var scope = NewDisposeScope();
        using var oneThread = new OneThread();
        using var module = which.Build(ScalarType.Float64);
        module.SaveSafeTensors(PathOf($"{which.Name}.weights.safetensors"));
        using var noGrad = no_grad();
        module.eval();
        var input = which.DeriveInput();
        var weighting = which.DeriveWeighting(module.call(input).shape);
        SafeTensors.Write(PathOf($"{which.Name}.data.safetensors"), [TensorBytes.Read("input", input), TensorBytes.Read("weighting", weighting)]);
    }

    private static int ChooseSeed()
    {
        var text = Environment.GetEnvironmentVariable(SeedVariable);
        if (string.IsNullOrEmpty(text)) return Random.Shared.Next();
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seed)
            ? seed
            : throw new InvalidOperationException($"{SeedVariable} is '{text}'; it is a whole number from 0 to {int.MaxValue}.");
    }
}
