using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>Sequences in which every stock layer occurs that can be exported, and shapes that they take.</summary>
internal static class Sequences
{
    public static IEnumerable<(string What, nn.Module<Tensor, Tensor> Module, long[][] Shapes)> All()
    {
        yield return ("blocks between stock layers", Mixed(), [[1, 1, 31, 17], [7, 1, 9, 12]]);
        yield return ("linear layers", Randomised.Eval(nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 5)), 1), [[1, 6], [7, 6]]);
        yield return ("a batch norm alone", Randomised.Eval(nn.Sequential(nn.Sequential(), nn.BatchNorm2d(2), nn.Identity()), 1), [[2, 2, 3, 3]]);
        // Large weights, so that ReLU6 cuts on both sides.
        var clipped = Randomised.Eval(nn.Sequential(nn.Conv2d(3, 8, 3, padding: 1), nn.ReLU6(), nn.Conv2d(8, 4, 1), nn.BatchNorm2d(4), nn.ReLU6()), 2);
        using (no_grad()) clipped.get_parameter("0.weight")!.mul_(20);
        yield return ("ReLU6", clipped, [[1, 3, 7, 5], [4, 3, 4, 4]]);
        yield return ("what the converter leaves", Converted(), [[1, 3, 32, 32], [3, 3, 27, 41]]);
    }

    public static nn.Module<Tensor, Tensor> Mixed() => Randomised.Eval(
        nn.Sequential(
            ("stem", nn.Conv2d(1, 8, 5, stride: 2, padding: 1, bias: true)),
            ("norm", nn.BatchNorm2d(8)),
            ("act", nn.Hardswish()),
            ("same", nn.Conv2d(8, 8, 4, padding: TorchSharp.Padding.Same, groups: 2, dilation: 2)),
            ("relu", nn.ReLU()),
            ("blocks", nn.Sequential(
                new XSepBlock(5, 8, 12, 8, PaddingDirection.RightBottom), nn.Identity(), new DwBlock(3, 8, 16, 12, stride: 2), new XSepConv2d(12, 5))),
            ("loneNorm", nn.BatchNorm2d(12)),
            ("gate", new HSigmoid()),
            ("pool", nn.AdaptiveAvgPool2d(1)),
            ("flatten", nn.Flatten()),
            ("drop", nn.Dropout(0.5)),
            ("hidden", nn.Linear(12, 9)),
            ("hiddenNorm", nn.BatchNorm1d(9)),
            ("hiddenAct", new HSwish()),
            ("classes", nn.Linear(9, 3, hasBias: false))),
        seed: 3);

    // The first network of docs/convert.md, which ends with its export.
    private static nn.Module<Tensor, Tensor> Converted()
    {
        var network = nn.Sequential(
            ("stem", nn.Conv2d(3, 16, 3, stride: 2, padding: 1)),
            ("dw1", nn.Conv2d(16, 16, 5, padding: 2, groups: 16)), ("bn1", nn.BatchNorm2d(16)), ("act1", nn.ReLU6()),
            ("dw2", nn.Conv2d(16, 16, 5, padding: 2, groups: 16)), ("bn2", nn.BatchNorm2d(16)), ("act2", nn.ReLU6()),
            ("pool", nn.AdaptiveAvgPool2d(1)), ("flatten", nn.Flatten()), ("classifier", nn.Linear(16, 8)));
        Assert.Equal(2, XSepConverter.Convert(network, [1, 3, 32, 32]).Replaced.Count);
        return Randomised.Eval(network, 4);
    }
}
