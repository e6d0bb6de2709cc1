using System.Runtime.InteropServices;
using TorchSharp;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>Files with weights of a byte each, for any module.</summary>
public sealed class Int8SaveTests : IDisposable
{
    private static readonly SafeTensorsSaveOptions Int8 = new() { Dtype = SafeTensorType.I8 };

    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("weights.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Matrices_and_1x1_convolutions_have_bytes_and_scales_and_the_rest_is_as_it_was()
    {
        using var network = new XSepMobileNetV3Small(1000);
        network.SaveSafeTensors(_folder.File("whole"));
        network.SaveSafeTensors(Path, Int8 with { Metadata = new Dictionary<string, string> { ["a"] = "b" } });
        using var whole = SafeTensors.Open(_folder.File("whole"));
        using var file = SafeTensors.Open(Path);
        string[] bytes = [.. file.Tensors.Values.Where(info => info.Type == SafeTensorType.I8).Select(info => info.Name)];
        Assert.Contains("linear3.weight", bytes);
        Assert.Contains("conv2.weight", bytes);
        Assert.Contains("bneck.4.conv1.weight", bytes);
        Assert.Contains("bneck.4.se.se.1.weight", bytes);
        Assert.DoesNotContain("conv1.weight", bytes);
        Assert.Equal(whole.Tensors.Keys.Concat(bytes.Select(name => $"{name}_scale")).Order(), file.Tensors.Keys.Order());
        foreach (var (name, info) in whole.Tensors)
        {
            Assert.Equal(info.Shape, file.Tensors[name].Shape);
            if (!bytes.Contains(name)) Assert.Equal(whole.ReadBytes(name), file.ReadBytes(name));
            else Assert.Equal(info.Shape[0], file.Tensors[$"{name}_scale"].ElementCount);
        }

        var metadata = new Dictionary<string, string>(whole.Metadata) { ["a"] = "b", ["xsepconv.int8"] = "NAME * NAME_scale" };
        Assert.Equal(metadata.OrderBy(entry => entry.Key), file.Metadata.OrderBy(entry => entry.Key));
        Assert.InRange(new FileInfo(Path).Length / (double)new FileInfo(_folder.File("whole")).Length, 0.25, 0.28);
    }

    [Fact]
    public async Task PyTorch_undoes_it_by_one_multiplication_and_rounds_alike()
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var interop = System.IO.Path.Combine(Documentation.Repository.Root, "interop", "pytorch");

        // Ties and zeros besides.
        using var network = OddWeights.Network(values =>
        {
            values[0].zero_();
            values[1, ..4] = tensor(new[] { 127f, 0.5f, 1.5f, -2.5f });
            values[1].clamp_(-127, 127);
        });
        network.SaveSafeTensors(_folder.File("whole"));
        network.SaveSafeTensors(Path, Int8);
        await PythonWithTorch.RunAsync(
            python!, ["-c", Script, interop, _folder.File("whole"), Path, _folder.File("logits"), _folder.File("silent")],
            TestContext.Current.CancellationToken);

        // What PyTorch reads of it gives the logits that are computed here of the file.
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var logits = SafeTensors.Open(_folder.File("logits"));
        var expected = MemoryMarshal.Cast<byte, double>(logits.ReadBytes("y")).ToArray();
        network.LoadSafeTensors(Path);
        network.to(float64).eval();
        var actual = network.call(linspace(-2, 2, 2 * 3 * 16 * 16, dtype: float64).reshape(2, 3, 16, 16)).data<double>().ToArray();
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-10 * expected.Max(Math.Abs)));
    }

    // The header is read by hand: nothing of this project's Python but the network itself has a part in it.
    private const string Script = """
        import json, struct, sys
        sys.path.insert(0, sys.argv[1])
        import torch
        from xsepconv_torch import MobileNet, load_safetensors, save_safetensors
        torch.set_num_threads(1)

        def raw(path):
            data = open(path, "rb").read()
            length = struct.unpack("<Q", data[:8])[0]
            header = json.loads(data[8:8 + length])
            dtypes = {"F32": torch.float32, "I8": torch.int8, "I64": torch.int64}
            metadata = header.pop("__metadata__")
            return metadata, {name: torch.frombuffer(bytearray(data[8 + length + e["data_offsets"][0]:8 + length + e["data_offsets"][1]]),
                dtype=dtypes[e["dtype"]]).reshape(e["shape"]) for name, e in header.items()}

        _, whole = raw(sys.argv[2])
        metadata, stored = raw(sys.argv[3])
        assert metadata["xsepconv.int8"] == "NAME * NAME_scale"
        read, rest = load_safetensors(sys.argv[3])
        assert "xsepconv.int8" not in rest and sorted(read) == sorted(whole)
        count = 0
        for name, tensor in whole.items():
            if stored[name].dtype != torch.int8:
                assert torch.equal(stored[name], tensor) and torch.equal(read[name], tensor), name
                continue
            count += 1
            rows = tensor.double()
            dims = list(range(1, rows.dim()))
            scale = (rows.abs().amax(dims, keepdim=True) / 127).float().clamp(min=torch.finfo(torch.float32).tiny)
            assert torch.equal(stored[name + "_scale"], scale), name
            assert torch.equal(stored[name], torch.round(rows / scale.double()).to(torch.int8)), name
            assert torch.equal(read[name], stored[name] * stored[name + "_scale"]) and read[name].dtype == torch.float32, name
        assert count > 20
        network = MobileNet.from_safetensors(sys.argv[3]).double().eval()
        x = torch.linspace(-2, 2, 2 * 3 * 16 * 16, dtype=torch.float64).reshape(2, 3, 16, 16)
        with torch.no_grad():
            save_safetensors({"y": network(x)}, sys.argv[4])

        def refused(tensors, metadata, *words):
            save_safetensors(tensors, sys.argv[5], metadata)
            try:
                MobileNet.from_safetensors(sys.argv[5])
            except ValueError as e:
                assert all(word in str(e) for word in words), e
            else:
                raise AssertionError(words)

        without = {k: v for k, v in metadata.items() if k != "xsepconv.int8"}
        refused(stored, without, "has type I8", "xsepconv.int8")
        refused(stored, {**metadata, "xsepconv.int8": "other"}, "xsepconv.int8", "'other'")
        refused({k: v for k, v in stored.items() if k != "conv2.weight_scale"}, metadata, "'conv2.weight_scale'")
        scale = stored["conv2.weight_scale"]
        for other in (scale.flatten(), scale.half(), -scale, scale * 0, scale * float("nan"), scale * float("inf")):
            refused({**stored, "conv2.weight_scale": other}, metadata, "'conv2.weight_scale'")
        """;

    [Fact]
    public void A_module_gets_integers_times_scales_under_whatever_name()
    {
        using var noGrad = no_grad();
        using var module = nn.Linear(5, 2);
        module.weight.copy_(tensor(new float[] { 63.5f, 0.25f, 0.75f, -1.25f, -63.5f, 0, 0, 0, 0, 0 }).reshape(2, 5));
        module.SaveSafeTensors(Path, Int8);
        using var other = nn.Linear(5, 2, dtype: float64);
        var report = other.LoadSafeTensors(Path);
        Assert.Empty(report.MissingKeys.Concat(report.UnexpectedKeys));
        Assert.Equal([63.5, 0, 1, -1, -63.5, 0, 0, 0, 0, 0], other.weight.data<double>().ToArray());
        using var outer = nn.Sequential(("inner", nn.Linear(5, 2)));
        outer.LoadSafeTensors(Path, new SafeTensorsLoadOptions { Rename = key => $"inner.{key}" });
        Assert.Equal(other.weight.data<double>().ToArray(), outer.state_dict()["inner.weight"].to(float64).data<double>().ToArray());

        // Nothing is left of the scales in what is written next.
        outer.SaveSafeTensors(Path, new Dictionary<string, string> { ["xsepconv.int8"] = "NAME * NAME_scale" });
        using var file = SafeTensors.Open(Path);
        Assert.Equal(["inner.bias", "inner.weight"], file.Tensors.Keys.Order());
        Assert.Equal(["format", "xsepconv.settings"], file.Metadata.Keys.Order());
    }

    [Fact]
    public void Bytes_again_are_the_same_bytes()
    {
        using var network = new XSepMobileNetV3Small(new MobileNetV3Options { NumClasses = 3, Preset = ImagePreset.Cifar, Width = 0.2 });
        network.SaveSafeTensors(Path, Int8);
        network.LoadSafeTensors(Path);
        network.SaveSafeTensors(_folder.File("again"), Int8);
        using SafeTensors once = SafeTensors.Open(Path), again = SafeTensors.Open(_folder.File("again"));
        Assert.All(once.Tensors.Values.Where(info => info.Type == SafeTensorType.I8), info =>
            Assert.Equal(once.ReadBytes(info.Name), again.ReadBytes(info.Name)));
    }

    [Fact]
    public void Integers_of_a_module_stay_integers_and_are_no_weights()
    {
        using var noGrad = no_grad();
        using var module = new Integers(int8);
        module.SaveSafeTensors(Path);
        module.weight.zero_();
        module.LoadSafeTensors(Path);
        Assert.Equal([-128, 1, 2, 3, 4, 127], module.weight.data<sbyte>().ToArray());
        using var numbers = new Integers(float32);
        Assert.Contains(
            "'weight' has type I8, and the metadata lacks 'xsepconv.int8', which says that it has scales",
            Assert.Throws<InvalidDataException>(() => numbers.LoadSafeTensors(Path)).Message, StringComparison.Ordinal);
        Assert.Equal(
            "'weight' is I8 itself, so that a file of INT8 weights would mean it otherwise.",
            Assert.Throws<InvalidDataException>(() => module.SaveSafeTensors(Path, Int8)).Message);
    }

    [Fact]
    public void A_tensor_with_the_name_of_scales_is_refused()
    {
        using var module = nn.Linear(5, 2);
        module.register_buffer("weight_scale", ones(2));
        File.WriteAllText(Path, "old");
        Assert.Equal(
            "'weight_scale' has the name of scales, so that a file of INT8 weights would mean it otherwise.",
            Assert.Throws<InvalidDataException>(() => module.SaveSafeTensors(Path, Int8)).Message);
        Assert.Equal("old", File.ReadAllText(Path));
    }

    [Fact]
    public void Values_that_are_no_numbers_are_refused_by_name()
    {
        using var noGrad = no_grad();
        using var module = nn.Linear(5, 2);
        module.weight.flatten()[7] = float.NaN;
        var message = Assert.Throws<InvalidDataException>(() => module.SaveSafeTensors(Path, Int8)).Message;
        Assert.StartsWith("'weight' has NaN at 7", message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path));
    }

    private sealed class Integers : nn.Module
    {
        public readonly Tensor weight;

        public Integers(ScalarType type)
            : base(nameof(Integers))
        {
            weight = tensor(new sbyte[] { -128, 1, 2, 3, 4, 127 }).reshape(1, 6).to(type);
            register_buffer(nameof(weight), weight);
        }
    }
}
