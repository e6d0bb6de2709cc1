using System.Runtime.InteropServices;
using TorchSharp;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>Files with weights of half the bytes.</summary>
public sealed class SaveOptionsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("weights.safetensors");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Filters_and_matrices_become_narrow_and_what_stands_for_a_channel_stays()
    {
        using var network = new XSepMobileNetV3Small(10, ImagePreset.Cifar);
        network.SaveSafeTensors(_folder.File("whole"));
        network.SaveSafeTensors(Path, new SafeTensorsSaveOptions { Dtype = SafeTensorType.BF16, Metadata = new Dictionary<string, string> { ["a"] = "b" } });
        using var whole = SafeTensors.Open(_folder.File("whole"));
        using var file = SafeTensors.Open(Path);
        Assert.Equal(whole.Tensors.Keys.Order(), file.Tensors.Keys.Order());
        Assert.Equal(SafeTensorType.BF16, file.Tensors["linear3.weight"].Type);
        Assert.Equal(SafeTensorType.BF16, file.Tensors["bneck.1.conv2.weight"].Type);
        Assert.Equal(SafeTensorType.I64, file.Tensors["bn1.num_batches_tracked"].Type);
        foreach (var (name, info) in file.Tensors)
        {
            Assert.Equal(whole.Tensors[name].Shape, info.Shape);
            if (info.Shape.Length == 1) Assert.Equal(SafeTensorType.F32, info.Type);
            if (info.Type != SafeTensorType.BF16) Assert.Equal(whole.ReadBytes(name), file.ReadBytes(name));
        }

        Assert.Equal(new Dictionary<string, string>(whole.Metadata) { ["a"] = "b" }.OrderBy(entry => entry.Key), file.Metadata.OrderBy(entry => entry.Key));
        Assert.InRange(new FileInfo(Path).Length, 0.5 * new FileInfo(_folder.File("whole")).Length, 0.53 * new FileInfo(_folder.File("whole")).Length);
    }

    [Theory]
    [InlineData(SafeTensorType.BF16, "bfloat16")]
    [InlineData(SafeTensorType.F16, "float16")]
    public async Task PyTorch_rounds_alike_and_reads_the_file(SafeTensorType type, string dtype)
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var interop = System.IO.Path.Combine(Documentation.Repository.Root, "interop", "pytorch");

        // Down to where a half runs out; ties, and both zeros besides.
        using var network = OddWeights.Network(
            values => values.flatten()[..4].copy_(tensor(new[] { 0f, -0f, 1 + (1 / 2048f), 1 + (3 / 256f) })));
        network.SaveSafeTensors(_folder.File("whole"));
        network.SaveSafeTensors(Path, new SafeTensorsSaveOptions { Dtype = type });
        await PythonWithTorch.RunAsync(
            python!, ["-c", Script, interop, _folder.File("whole"), Path, dtype, _folder.File("there"), _folder.File("logits")],
            TestContext.Current.CancellationToken);

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var here = SafeTensors.Open(Path);
        using var there = SafeTensors.Open(_folder.File("there"));
        Assert.Equal(here.Tensors.Keys.Order(), there.Tensors.Keys.Order());
        Assert.All(here.Tensors, entry =>
        {
            Assert.Equal(entry.Value, there.Tensors[entry.Key] with { Shape = entry.Value.Shape });
            Assert.Equal(here.ReadBytes(entry.Key), there.ReadBytes(entry.Key));
        });

        // And the other way: what PyTorch wrote, loaded here, gives PyTorch's logits of the same weights.
        using var logits = SafeTensors.Open(_folder.File("logits"));
        var expected = MemoryMarshal.Cast<byte, double>(logits.ReadBytes("y")).ToArray();
        network.LoadSafeTensors(_folder.File("there"));
        network.to(float64).eval();
        var actual = network.call(linspace(-2, 2, 2 * 3 * 16 * 16, dtype: float64).reshape(2, 3, 16, 16)).data<double>().ToArray();
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-10 * expected.Max(Math.Abs)));
    }

    private const string Script = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import torch
        from xsepconv_torch import MobileNet, load_safetensors, save_safetensors
        torch.set_num_threads(1)
        tensors, metadata = load_safetensors(sys.argv[2])
        dtype = getattr(torch, sys.argv[4])
        save_safetensors({name: t.to(dtype) if t.dim() > 1 else t for name, t in tensors.items()}, sys.argv[5], metadata)
        network = MobileNet.from_safetensors(sys.argv[3]).double().eval()
        x = torch.linspace(-2, 2, 2 * 3 * 16 * 16, dtype=torch.float64).reshape(2, 3, 16, 16)
        with torch.no_grad():
            save_safetensors({"y": network(x)}, sys.argv[6])
        """;

    [Fact]
    public void A_module_of_another_type_is_written_as_asked()
    {
        using var module = nn.Linear(3, 2, dtype: float64);
        module.SaveSafeTensors(Path, new SafeTensorsSaveOptions { Dtype = SafeTensorType.F32 });
        using (var file = SafeTensors.Open(Path)) Assert.All(file.Tensors.Values, info => Assert.Equal(SafeTensorType.F32, info.Type));
        module.to(bfloat16);
        module.SaveSafeTensors(Path, new SafeTensorsSaveOptions { Dtype = SafeTensorType.BF16 });
        using (var file = SafeTensors.Open(Path)) Assert.Equal((SafeTensorType.BF16, SafeTensorType.F32), (file.Tensors["weight"].Type, file.Tensors["bias"].Type));
        module.SaveSafeTensors(Path, new SafeTensorsSaveOptions());
        using (var file = SafeTensors.Open(Path)) Assert.All(file.Tensors.Values, info => Assert.Equal(SafeTensorType.BF16, info.Type));
    }

    // 65519.99 is rounded to 65504, the largest half; 65520 stands between it and what would be next.
    [Theory]
    [InlineData(SafeTensorType.F16, 65519.99f, null)]
    [InlineData(SafeTensorType.F16, 65520f, "'weight' has 65520 at 5, and F16 goes to 65504.")]
    [InlineData(SafeTensorType.F16, -1e30f, "'weight' has -1E+30 at 5, and F16 goes to 65504.")]
    [InlineData(SafeTensorType.BF16, 1e30f, null)]
    [InlineData(SafeTensorType.BF16, 3.4e38f, "'weight' has 3.4E+38 at 5, and BF16 goes to 3.38953E+38.")]
    [InlineData(SafeTensorType.F16, float.NaN, null)]
    [InlineData(SafeTensorType.F16, float.NegativeInfinity, null)]
    [InlineData(SafeTensorType.BF16, float.NaN, null)]
    public void What_the_type_can_t_hold_is_refused_by_name(SafeTensorType type, float value, string? refusal)
    {
        using var noGrad = no_grad();
        using var module = nn.Linear(3, 2);
        module.weight.flatten()[5] = value;
        File.WriteAllText(Path, "old");
        var options = new SafeTensorsSaveOptions { Dtype = type };
        if (refusal is null)
        {
            module.SaveSafeTensors(Path, options);
            module.LoadSafeTensors(Path);
            var read = module.weight.flatten()[5].item<float>();

            // Not finite stays as it is, for whoever wants to look at it: what computes with a network refuses it.
            Assert.Equal(float.IsFinite(value) ? 0 : value, float.IsFinite(value) ? Math.Round((read / value) - 1, 2) : read);
            return;
        }

        Assert.Equal(refusal, Assert.Throws<InvalidDataException>(() => module.SaveSafeTensors(Path, options)).Message);
        Assert.Equal("old", File.ReadAllText(Path));
    }

    [Fact]
    public void A_tensor_below_the_normal_numbers_is_refused_and_zeros_and_small_values_beside_others_are_not()
    {
        using var noGrad = no_grad();
        using var module = nn.Linear(3, 2);
        var options = new SafeTensorsSaveOptions { Dtype = SafeTensorType.F16 };
        module.weight.fill_(6e-5f);
        var message = Assert.Throws<InvalidDataException>(() => module.SaveSafeTensors(Path, options)).Message;
        Assert.Equal("'weight' goes to 6E-05, and F16 has all of its digits only from 6.10352E-05 on.", message);
        module.SaveSafeTensors(Path, new SafeTensorsSaveOptions { Dtype = SafeTensorType.BF16 });
        module.weight.flatten()[0] = 1;
        module.SaveSafeTensors(Path, options);
        module.weight.zero_();
        module.bias!.fill_(1e-30f);
        module.SaveSafeTensors(Path, options);
    }

    [Theory]
    [InlineData(SafeTensorType.F64)]
    [InlineData(SafeTensorType.I64)]
    [InlineData((SafeTensorType)99)]
    public void Types_that_weights_are_not_written_in_are_refused(SafeTensorType type)
    {
        using var module = nn.Linear(3, 2);
        var message = Assert.Throws<ArgumentOutOfRangeException>(() => module.SaveSafeTensors(Path, new SafeTensorsSaveOptions { Dtype = type })).Message;
        Assert.StartsWith("Weights are written as F32, BF16, F16 or I8.", message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path));
    }
}
