using TorchSharp;
using TorchSharp.Modules;
using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>A batch norm's eps and momentum go to PyTorch and come back, and the outputs agree.</summary>
public sealed class NormSettingsInPyTorchTests : IDisposable
{
    private const string Script = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import torch
        from xsepconv_torch import MobileNet, save_safetensors
        torch.set_num_threads(1)
        network = MobileNet.from_safetensors(sys.argv[2]).double().eval()
        x = torch.linspace(-2, 2, 2 * 3 * 16 * 16, dtype=torch.float64).reshape(2, 3, 16, 16)
        with torch.no_grad():
            save_safetensors({"y": network(x)}, sys.argv[3])
        for i, norm in enumerate(m for m in network.modules() if hasattr(m, "eps")):
            norm.eps, norm.momentum = 0.001 * (i + 1), None if i % 3 == 0 else 0.3
        network.float().save_safetensors(sys.argv[4])
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task They_move_both_ways()
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        var (there, answer, back) = (_folder.File("there.safetensors"), _folder.File("answer.safetensors"), _folder.File("back.safetensors"));
        manual_seed(3);
        using var network = new XSepMobileNetV3Small(new MobileNetV3Options { NumClasses = 3, Preset = ImagePreset.Cifar, Width = 0.1 });
        foreach (var norm in network.modules().OfType<NormBase>()) (norm.eps, norm.momentum) = (0.2, 0.01);
        network.SaveSafeTensors(there);
        await PythonWithTorch.RunAsync(python!, ["-c", Script, interop, there, answer, back], TestContext.Current.CancellationToken);

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        network.to(float64).eval();
        var expected = network.call(linspace(-2, 2, 2 * 3 * 16 * 16, dtype: float64).reshape(2, 3, 16, 16)).data<double>().ToArray();
        using var file = SafeTensors.Open(answer);
        var actual = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(file.ReadBytes("y")).ToArray();

        // Both in float64: forty layers' roundings of 1e-16.
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-10 * expected.Max(Math.Abs)));

        using var again = MobileNet.FromSafeTensors(back);
        var norms = again.named_modules().Where(at => at.module is NormBase).DistinctBy(at => at.module).Select(at => (NormBase)at.module).ToList();
        Assert.Equal(norms.Count, norms.Select(norm => norm.eps).Distinct().Count());
        Assert.Contains(norms, norm => norm.eps == 0.001);
        Assert.Equal((norms.Count + 2) / 3, norms.Count(norm => norm.momentum is null));
        Assert.All(norms, norm => Assert.True(norm.momentum is null or 0.3));
    }

    [Fact]
    public async Task Numbers_of_any_type_come_back_here_and_there()
    {
        const string Types = """
            import fractions, json, sys
            sys.path.insert(0, sys.argv[1])
            import numpy
            from torch import nn
            from xsepconv_torch import SETTINGS_KEY, apply_norm_settings, norm_settings, save_safetensors
            VALUES = 0, 1, 1e-3, 1e-5, numpy.float64(1e-3), numpy.float32(0.25), numpy.int64(1), fractions.Fraction(1, 8)
            def build(eps, momentum):
                return nn.Sequential(*(nn.BatchNorm2d(2, eps=a, momentum=b) for a, b in zip(eps, momentum)), nn.LayerNorm(2, eps=eps[0]))
            model = build(VALUES, VALUES)
            text = norm_settings(model)
            save_safetensors(model.state_dict(), sys.argv[2], {SETTINGS_KEY: text})
            for other in (build([1e-5] * 8, [0.1] * 8), build([1] * 8, [1] * 8), build(VALUES[::-1], VALUES[::-1])):
                apply_norm_settings(other, text)
                assert [m.eps for m in other] == [m.eps for m in model], other
                assert [m.momentum for m in other[:-1]] == [m.momentum for m in model[:-1]], other
            refused = 0
            for bad in ('"x"', "null", "0.5", "[]", '"nan"', '"inf"', '"-1"', "true"):
                for text in ('{"0":{"eps":%s}}' % bad, '{"0":{"momentum":%s}}' % bad, '{"0":%s}' % bad, bad):
                    try:
                        apply_norm_settings(model, text)
                    except ValueError:
                        refused += 1
            print(refused)
            """;
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        var said = await PythonWithTorch.RunAsync(
            python!, ["-c", Types, interop, _folder.File("numbers")], TestContext.Current.CancellationToken);

        // All but a momentum of null, which is the cumulative average, and one of -1.
        Assert.Equal($"{(8 * 4) - 2}", said.Trim());
        double[] expected = [0, 1, 1e-3, 1e-5, 1e-3, 0.25, 1, 0.125];
        var norms = expected.Select(_ => nn.BatchNorm2d(2)).ToList();
        var last = nn.LayerNorm(2);
        using var model = nn.Sequential([.. norms.Select(norm => ($"{norms.IndexOf(norm)}", (nn.Module<Tensor, Tensor>)norm)), ("8", last)]);
        model.LoadSafeTensors(_folder.File("numbers"));
        Assert.Equal(expected, norms.Select(norm => norm.eps));
        Assert.Equal(expected, norms.Select(norm => norm.momentum!.Value));
        Assert.Equal(0, last.eps);
    }

    // Howard's norms have eps 0.001 and momentum 0.01, which an import says in its description alone.
    [Fact]
    public async Task A_file_without_the_entry_has_the_norms_of_its_description()
    {
        const string Eps = """
            import sys
            sys.path.insert(0, sys.argv[1])
            from xsepconv_torch import MobileNet
            norms = [m for m in MobileNet.from_safetensors(sys.argv[2]).modules() if hasattr(m, "eps")]
            print(sorted({(m.eps, m.momentum) for m in norms}), len(norms))
            """;
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        using var network = new MobileNet(Pretrained.Spec(PretrainedSource.TorchVision, "mobilenet_v3_small"));
        network.SaveSafeTensors(_folder.File("saved"));
        using (var saved = SafeTensors.Open(_folder.File("saved")))
        {
            SafeTensors.Write(
                _folder.File("imported"),
                [.. saved.Tensors.Values.Select(tensor => new SafeTensor(tensor.Name, tensor.Type, [.. tensor.Shape], saved.ReadBytes(tensor.Name).ToArray()))],
                new Dictionary<string, string> { [NetworkSpec.MetadataKey] = network.Spec.ToJson() });
        }

        var said = await PythonWithTorch.RunAsync(python!, ["-c", Eps, interop, _folder.File("imported")], TestContext.Current.CancellationToken);

        Assert.Equal($"[(0.001, 0.01)] {network.modules().OfType<NormBase>().Distinct().Count()}", said.Trim());
    }

    [Fact]
    public async Task Blocks_take_their_norms_settings_and_refuse_those_of_a_block_that_was_built_otherwise()
    {
        const string Apply = """
            import sys
            sys.path.insert(0, sys.argv[1])
            from torch import nn
            from xsepconv_torch import XSepBlock, XSepConv2d, apply_norm_settings, load_safetensors
            text = load_safetensors(sys.argv[2])[1]["xsepconv.settings"]
            for padding, stride, activation in (("LeftTop", 2, "SiLU"), ("RightTop", 2, "SiLU"), ("LeftTop", 1, "SiLU"), ("LeftTop", 2, "ReLU")):
                model = nn.Sequential(XSepBlock(5, 3, 8, 4, padding, activation, True, stride), XSepConv2d(4, 7, stride, padding, activation))
                try:
                    apply_norm_settings(model, text)
                    print(model[0].bn2.eps, model[1].bn3.eps)
                except ValueError as e:
                    print(e)
            """;
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        var interop = Path.Combine(Documentation.Repository.Root, "interop", "pytorch");
        using var block = new XSepBlock(5, 3, 8, 4, PaddingDirection.LeftTop, Activation.SiLU, stride: 2);
        using var model = nn.Sequential(block, new XSepConv2d(4, 7, 2, PaddingDirection.LeftTop, Activation.SiLU));
        foreach (var norm in model.modules().OfType<NormBase>()) norm.eps = 0.25;
        model.SaveSafeTensors(_folder.File("blocks"));

        var said = await PythonWithTorch.RunAsync(python!, ["-c", Apply, interop, _folder.File("blocks")], TestContext.Current.CancellationToken);

        Assert.Equal(
            [
                "0.25 0.25", "'0' was built with padding LeftTop, here it has RightTop", "'0' was built with stride 2, here it has 1",
                "'0' was built with activation SiLU, here it has ReLU",
            ],
            said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }
}
