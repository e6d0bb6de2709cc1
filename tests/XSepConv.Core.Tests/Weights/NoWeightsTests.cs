using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>Files whose values can't be weights are refused, here and by the Python file alike, and not computed with.</summary>
public sealed class NoWeightsTests : IDisposable
{
    // Tensors of all kinds in the files; the first is a weight, the others have rules of their own.
    private const string Script = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import torch
        from xsepconv_torch import MobileNet, NetworkSpec, load_safetensors, save_safetensors
        tensors, metadata = load_safetensors(sys.argv[2])
        weight, variance, counter = "bneck.0.conv1.weight", "bn1.running_var", "bn1.num_batches_tracked"
        whole = (tensors[weight] * 10).round()
        changes = {
            "same": {}, "u8": {weight: whole.abs().to(torch.uint8)}, "i32": {weight: whole.int()},
            "i64": {weight: whole.long() + 2 ** 24 + 1}, "bool": {weight: whole > 0}, "i8": {weight: whole.to(torch.int8)},
            "norm": {"bn1.weight": torch.ones(16, dtype=torch.int64)}, "half": {weight: whole.half()},
            "negative": {variance: tensors[variance] - 2}, "zero": {variance: tensors[variance] * 0}, "nan": {weight: whole * float("nan")},
            "infinite": {"linear4.bias": tensors["linear4.bias"] + float("inf")},
            "count": {counter: torch.tensor(7.0)}, "fraction": {counter: torch.tensor(0.5)},
        }
        for name, change in changes.items():
            path = sys.argv[3] + "/" + name
            save_safetensors({**tensors, **change}, path, metadata)
            try:
                network = MobileNet.from_safetensors(path)
                print(name, "loads", network.bn1.num_batches_tracked.dtype)
            except ValueError as e:
                print(name, e)
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task They_are_refused_by_name_in_both_languages()
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        using var network = new XSepMobileNetV3Small(new MobileNetV3Options { NumClasses = 3, Preset = ImagePreset.Cifar });
        network.SaveSafeTensors(_folder.File("network"));
        var said = await PythonWithTorch.RunAsync(
            python!, ["-c", Script, interop, _folder.File("network"), _folder.File("")], TestContext.Current.CancellationToken);
        var answers = said.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', 2)).ToDictionary(line => line[0], line => line[1]);

        const string Types = "weights are F64, F32, F16 or BF16";
        Dictionary<string, string?> expected = new()
        {
            ["same"] = null,
            ["u8"] = $"'bneck.0.conv1.weight' has type U8, {Types}",
            ["i32"] = $"'bneck.0.conv1.weight' has type I32, {Types}",
            ["i64"] = $"'bneck.0.conv1.weight' has type I64, {Types}",
            ["bool"] = $"'bneck.0.conv1.weight' has type BOOL, {Types}",
            ["i8"] = "'bneck.0.conv1.weight' has type I8, and the metadata lacks 'xsepconv.int8', which says that it has scales",
            ["norm"] = $"'bn1.weight' has type I64, {Types}",
            ["half"] = null,
            ["negative"] = "'bn1.running_var' has -1 at 0; a variance is not negative",
            ["zero"] = null,
            ["nan"] = "'bneck.0.conv1.weight' has nan at 0; weights are finite numbers",
            ["infinite"] = "'linear4.bias' has inf at 0; weights are finite numbers",
            ["count"] = null,
            ["fraction"] = "'bn1.num_batches_tracked' has 0.5 at 0; the network's type torch.int64 can't hold that",
        };
        Assert.Equal(expected.Keys.Order(), answers.Keys.Order());
        foreach (var (name, message) in expected)
        {
            if (message is null)
            {
                Assert.Equal("loads torch.int64", answers[name].Trim());
                using var loaded = MobileNet.FromSafeTensors(_folder.File(name));
                continue;
            }

            Assert.StartsWith(message, answers[name], StringComparison.Ordinal);
            var error = Assert.Throws<InvalidDataException>(() => MobileNet.FromSafeTensors(_folder.File(name)));
            Assert.Contains(InCSharp(message), error.Message, StringComparison.Ordinal);
        }
    }

    // The words that the languages have of their own: for what is no number, and for types and what they can't hold.
    private static string InCSharp(string message) => message
        .Replace("has nan ", "has NaN ", StringComparison.Ordinal).Replace("has inf ", "has Infinity ", StringComparison.Ordinal)
        .Replace("type BOOL", "type Bool", StringComparison.Ordinal)
        .Replace("has type I8, and the metadata lacks 'xsepconv.int8', which says that it has scales",
            "has type I8, weights are F64, F32, F16 or BF16, or I8 where the metadata 'xsepconv.int8' says so", StringComparison.Ordinal)
        .Replace("has 0.5 at 0; the network's type torch.int64 can't hold that",
            "has type F32 and 0.5 at 0, which the module's type Int64 can't hold", StringComparison.Ordinal);

    [Fact]
    public void Integers_are_no_weights_of_any_module_and_numbers_may_be_integers()
    {
        foreach (var type in new[] { uint8, int32, int64, @bool })
        {
            using var integers = new Values(type);
            integers.SaveSafeTensors(_folder.File("integers"));
            foreach (var floating in new[] { float16, bfloat16, float32, float64 })
            {
                using var numbers = new Values(floating);
                foreach (var strict in new[] { true, false })
                {
                    var error = Assert.Throws<InvalidDataException>(() => numbers.LoadSafeTensors(_folder.File("integers"), strict));
                    Assert.Contains("'value' has type ", error.Message, StringComparison.Ordinal);
                    Assert.Contains("weights are F64, F32, F16 or BF16", error.Message, StringComparison.Ordinal);
                }

                // Whole numbers in the other direction are the same numbers.
                numbers.SaveSafeTensors(_folder.File("numbers"));
                Assert.Equal(["value"], integers.LoadSafeTensors(_folder.File("numbers")).ConvertedKeys);
            }
        }

        // Whoever has a counter in another type than torch's gets its value.
        using var counter = nn.BatchNorm2d(2);
        counter.num_batches_tracked!.fill_(3);
        counter.SaveSafeTensors(_folder.File("counter"));
        using var other = new Counter();
        other.LoadSafeTensors(_folder.File("counter"), strict: false);
        Assert.Equal(3, other.num_batches_tracked.item<float>());
    }

    private sealed class Values : nn.Module
    {
        private readonly Tensor value;

        public Values(ScalarType type)
            : base(nameof(Values))
        {
            value = tensor(new float[] { 1, 0, 1 }).to(type);
            register_buffer(nameof(value), value);
        }
    }

    private sealed class Counter : nn.Module
    {
        public readonly Tensor num_batches_tracked = tensor(0f);

        public Counter()
            : base(nameof(Counter)) => register_buffer(nameof(num_batches_tracked), num_batches_tracked);
    }
}
