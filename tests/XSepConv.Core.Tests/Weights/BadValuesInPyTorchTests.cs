using XSepConv.Core.Tests.Parity;

namespace XSepConv.Core.Tests.Weights;

/// <summary>What is no weight is refused by both readers, whatever its type; what is one is taken by both.</summary>
public sealed class BadValuesInPyTorchTests : IDisposable
{
    private const string Script = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from xsepconv_torch import MobileNet
        for path in sys.argv[2:]:
            try:
                MobileNet.from_safetensors(path)
                print("taken")
            except ValueError as error:
                print(error)
        """;

    // Float32 goes to 3.4e38, float16 to 65,504, and neither has anything as small as 1e-300 but zero.
    private static readonly double[] Values =
        [double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1e300, -1e300, 3.5e38, 3.4e38, 7e4, 1e-300, -1e-300, -0.25, 0.25];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Both_readers_say_the_same_of_every_value_and_type()
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        using var network = new XSepMobileNetV3Small(new MobileNetV3Options { NumClasses = 3, Preset = ImagePreset.Cifar, Width = 0.1 });
        var tensors = ModuleState.Tensors(network).ToList();
        var cases = (
            from key in new[] { "linear4.weight", "bn1.running_var" }
            from type in new[] { SafeTensorType.F64, SafeTensorType.F32, SafeTensorType.F16, SafeTensorType.BF16 }
            from value in Values
            select (key, type, value)).ToList();
        var files = cases.Select((one, i) => Write($"{i}.safetensors", tensors, network.Spec, one.key, one.type, one.value)).ToList();

        var said = (await PythonWithTorch.RunAsync(
            python!, ["-c", Script, Path.Combine(Documentation.Repository.Root, "interop", "pytorch"), .. files],
            TestContext.Current.CancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

        Assert.Equal(cases.Count, said.Length);
        foreach (var ((key, type, value), (file, there)) in cases.Zip(files.Zip(said)))
        {
            var stored = TensorValues.Read(type, TensorValues.Write(type, [value]))[0];
            var held = (float)stored;
            var isFine = float.IsFinite(held) && !(key.EndsWith("var", StringComparison.Ordinal) && held < 0);
            var here = Record.Exception(() => MobileNet.FromSafeTensors(file).Dispose())?.Message;
            var what = $"{value} of {type} in {key}: here {here ?? "taken"}, there {there}";
            Assert.True((here is null) == isFine, what);
            Assert.True((there == "taken") == isFine, what);
            Assert.True(isFine || (here!.Contains(key, StringComparison.Ordinal) && there.Contains(key, StringComparison.Ordinal)), what);
        }
    }

    private string Write(string name, List<SafeTensor> tensors, NetworkSpec spec, string key, SafeTensorType type, double value)
    {
        var changed = tensors.Select(tensor => tensor.Name == key ? Changed(tensor) : tensor);
        SafeTensors.Write(_folder.File(name), changed, new Dictionary<string, string> { [NetworkSpec.MetadataKey] = spec.ToJson() });
        return _folder.File(name);

        SafeTensor Changed(SafeTensor tensor)
        {
            var values = TensorValues.Read(tensor.Type, tensor.Data.Span);
            values[2] = value;
            return new(tensor.Name, type, [.. tensor.Shape], TensorValues.Write(type, values));
        }
    }
}
