using System.Runtime.InteropServices;
using System.Text.Json;
using TorchSharp;
using TorchSharp.Modules;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Conversion;

/// <summary>A converted network moves to PyTorch: the report repeats the conversion there, and the weights load.</summary>
public sealed class ConversionInPyTorchTests : IDisposable
{
    private const string Script = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import torch
        from torch import nn
        from xsepconv_torch import convert, load_safetensors, save_safetensors
        torch.set_num_threads(1)

        class Branch(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(6, 6, 7, 2, 3, groups=6, bias=False)
                self.norm = nn.BatchNorm2d(6, eps=0.01, momentum=None)

            def forward(self, x):
                return torch.relu(self.norm(self.conv(x)))

        def network():
            return nn.Sequential(
                nn.Conv2d(3, 6, 3, 2, 1), nn.Conv2d(6, 6, 5, 1, 2, groups=6), nn.BatchNorm2d(6, eps=0.2), nn.ReLU6(), Branch(),
                nn.Conv2d(6, 6, 5, 1, 2, groups=6), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))

        report = open(sys.argv[2], encoding="utf-8").read()
        model = convert(network().double().eval(), report)
        model.load_state_dict(load_safetensors(sys.argv[3])[0])
        x = torch.linspace(-2, 2, 2 * 3 * 33 * 29, dtype=torch.float64).reshape(2, 3, 33, 29)
        with torch.no_grad():
            save_safetensors({"y": model(x)}, sys.argv[4])

        other = network()
        other[5] = nn.Conv2d(6, 6, 3, 1, 1, groups=6)
        try:
            convert(other, report)
        except ValueError as e:
            print(str(e)[:9], isinstance(other[1], nn.Conv2d), end="")

        # A report that is none of the library's changes nothing.
        import json
        cut = json.loads(report)
        del cut["replaced"][1]["channels"]
        other = network()
        try:
            convert(other, cut)
        except ValueError as e:
            print("", "has no channels: give what ConversionReport.ToJson() wrote" in str(e), isinstance(other[1], nn.Conv2d), end="")

        # What was frozen stays so: the last norm stands for the old one, all before it for the convolution.
        frozen = network()
        frozen[1].weight.requires_grad_(False)
        frozen[2].bias.requires_grad_(False)
        convert(frozen, report)
        print("", [n for n, p in frozen[1].named_parameters() if p.requires_grad], all(p.requires_grad for p in frozen[4].parameters()), end="")
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Activation.HSwish)]
    [InlineData(Activation.SiLU)]
    public async Task It_gives_the_same_answers_there(Activation activation)
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        using var network = Network();
        var report = XSepConverter.Convert(network, [1, 3, 33, 29], new() { Activation = activation });
        Assert.Equal(["1", "4.conv", "5"], report.Replaced.Select(layer => layer.Path));
        foreach (var norm in network.modules().OfType<BatchNorm2d>())
        {
            norm.running_mean!.normal_(0, 0.3);
            norm.running_var!.uniform_(0.5, 1.5);
        }

        network.to(float64).eval();
        var (json, weights, answer) = (_folder.File("report.json"), _folder.File("converted.safetensors"),
            _folder.File("answer.safetensors"));
        await File.WriteAllTextAsync(json, report.ToJson(), TestContext.Current.CancellationToken);
        network.SaveSafeTensors(weights);
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        var said = await PythonWithTorch.RunAsync(
            python!, ["-c", Script, interop, json, weights, answer], TestContext.Current.CancellationToken);
        Assert.Equal("'5' is Co True True True ['bn3.weight'] True", said);

        // Not before the last await: the mode is the thread's.
        using var noGrad = no_grad();
        using var expected = network.call(linspace(-2, 2, 2 * 3 * 33 * 29, dtype: float64).reshape(2, 3, 33, 29));
        using var file = SafeTensors.Open(answer);
        var actual = MemoryMarshal.Cast<byte, double>(file.ReadBytes("y")).ToArray();

        // Both in float64: a dozen layers' roundings of 1e-16.
        var values = expected.data<double>().ToArray();
        Assert.All(values.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-12 * values.Max(Math.Abs)));
    }

    // Which padding .NET converts, a string or numbers, is what Python converts: only zeros, and only as many as keep the size.
    [Fact]
    public async Task What_is_replaced_there_pads_as_what_was_replaced_here()
    {
        const string Paddings = """
            import sys
            sys.path.insert(0, sys.argv[1])
            from torch import nn
            from xsepconv_torch import XSepConv2d, convert
            report = open(sys.argv[2], encoding="utf-8").read()
            for padding in ("same", 2, (2, 2), "valid", 1, (2, 1)):
                for mode in ("zeros", "circular", "reflect", "replicate"):
                    model = nn.Sequential(nn.Conv2d(6, 6, 5, padding=padding, padding_mode=mode, groups=6), nn.BatchNorm2d(6))
                    before = list(model)
                    try:
                        convert(model, report)
                        print(isinstance(model[0], XSepConv2d), padding, mode)
                    except ValueError as e:
                        assert list(model) == before and "padding" in str(e), e
            """;
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        using var network = nn.Sequential(nn.Conv2d(6, 6, 5, TorchSharp.Padding.Same, groups: 6), nn.BatchNorm2d(6));
        var report = XSepConverter.Convert(network, [1, 6, 9, 9]);
        Assert.Equal("0", Assert.Single(report.Replaced).Path);
        using var circular = nn.Sequential(
            nn.Conv2d(6, 6, 5, padding: 2, padding_mode: PaddingModes.Circular, groups: 6), nn.BatchNorm2d(6));
        Assert.Throws<InvalidOperationException>(() => XSepConverter.Convert(circular, [1, 6, 9, 9]));
        var json = _folder.File("report.json");
        await File.WriteAllTextAsync(json, report.ToJson(), TestContext.Current.CancellationToken);
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        var said = await PythonWithTorch.RunAsync(python!, ["-c", Paddings, interop, json], TestContext.Current.CancellationToken);
        Assert.Equal(
            ["True same zeros", "True 2 zeros", "True (2, 2) zeros"],
            said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [Fact]
    public void The_report_as_JSON_says_all_that_a_conversion_decided()
    {
        using var network = Network();
        using var json = JsonDocument.Parse(XSepConverter.Convert(network, [1, 3, 33, 29]).ToJson());
        var layers = json.RootElement.GetProperty("replaced").EnumerateArray().ToArray();
        Assert.Equal([5, 7, 5], layers.Select(layer => layer.GetProperty("kernelSize").GetInt32()));
        Assert.Equal([1, 2, 1], layers.Select(layer => layer.GetProperty("stride").GetInt32()));
        Assert.Equal(["2", "4.norm", null], layers.Select(layer => layer.GetProperty("batchNormPath").GetString()));
        Assert.Equal([0.2, 0.01, 1e-5], layers.Select(layer => layer.GetProperty("epsilon").GetDouble()));
        Assert.Equal(JsonValueKind.Null, layers[1].GetProperty("momentum").ValueKind);
        Assert.All(layers, layer => Assert.Equal("HSwish", layer.GetProperty("activation").GetString()));
        Assert.All(layers, layer => Assert.True(Enum.TryParse<PaddingDirection>(layer.GetProperty("padding").GetString(), out _)));
        Assert.Equal([1, 3, 33, 29], json.RootElement.GetProperty("input").EnumerateArray().Select(side => side.GetInt64()));
    }

    private static Sequential Network() => nn.Sequential(
        nn.Conv2d(3, 6, 3, 2, 1), nn.Conv2d(6, 6, 5, 1, 2, groups: 6), nn.BatchNorm2d(6, eps: 0.2), nn.ReLU6(), new Branch(),
        nn.Conv2d(6, 6, 5, 1, 2, groups: 6), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4));

    private sealed class Branch : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> conv = nn.Conv2d(6, 6, 7, 2, 3, groups: 6, bias: false);
        private readonly nn.Module<Tensor, Tensor> norm;

        public Branch() : base(nameof(Branch))
        {
            var cumulative = nn.BatchNorm2d(6, eps: 0.01);
            cumulative.momentum = null;
            norm = cumulative;
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => norm.call(conv.call(x)).relu();
    }
}
