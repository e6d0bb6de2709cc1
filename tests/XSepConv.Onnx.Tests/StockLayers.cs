using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>Every stock layer that is exported, with every option of its constructor, between others as it stands in networks.</summary>
internal static class StockLayers
{
    private static readonly (int, int) Fixed = (13, 10);
    private static readonly long[][] OfFixed = [[1, 4, 13, 10], [3, 4, 13, 10]];
    private static readonly long[][] OfAny = [[1, 4, 13, 10], [3, 4, 9, 7], [2, 4, 6, 6]];

    public static IEnumerable<LayerCase> All() =>
        [.. Activations(), .. Pools(), .. Paddings(), .. Resizes(), .. Norms(), .. Shapes(), .. Convolutions()];

    private static IEnumerable<LayerCase> Activations()
    {
        foreach (var inplace in new[] { false, true })
        {
            yield return Any($"ReLU {inplace}", () => nn.ReLU(inplace));
            yield return Any($"ReLU6 {inplace}", () => nn.ReLU6(inplace));
            yield return Any($"Hardswish {inplace}", () => nn.Hardswish(inplace));
            yield return Any($"Hardsigmoid {inplace}", () => nn.Hardsigmoid(inplace));
            yield return Any($"SiLU {inplace}", () => nn.SiLU(inplace));
            yield return Any($"GELU {inplace}", () => nn.GELU(inplace));
            yield return Any($"LeakyReLU {inplace}", () => nn.LeakyReLU(0.3, inplace));
            foreach (var way in Enum.GetValues<GELU.Approximate>()) yield return Any($"GELU {way}, {inplace}", () => nn.GELU(way, inplace));
            yield return Any($"Dropout {inplace}", () => nn.Dropout(0.4, inplace));
            yield return Any($"Dropout2d {inplace}", () => nn.Dropout2d(0.4, inplace));
        }

        yield return Any("LeakyReLU", () => nn.LeakyReLU());
        yield return Any("Sigmoid", () => nn.Sigmoid());
        yield return Any("Tanh", () => nn.Tanh());
        yield return Any("AlphaDropout", () => nn.AlphaDropout(0.4));
        yield return Any("Identity", () => nn.Identity());
        foreach (var dimension in new[] { 1, 2, 3, -1, -2, -3 })
        {
            yield return Any($"Softmax {dimension}", () => nn.Softmax(dimension));
            yield return Any($"LogSoftmax {dimension}", () => nn.LogSoftmax(dimension));
        }

        yield return new("Softmax of features", () => nn.Sequential(nn.Linear(5, 7), nn.Softmax(1)), null, [[1, 5], [3, 5]]);
        yield return new("LogSoftmax of features", () => nn.Sequential(nn.Linear(5, 7), nn.LogSoftmax(-1)), null, [[1, 5], [3, 5]]);
    }

    private static IEnumerable<LayerCase> Pools()
    {
        yield return Any("MaxPool", () => nn.MaxPool2d(2));
        yield return Any("MaxPool 3, 2, 1", () => nn.MaxPool2d(3, 2, 1));
        yield return Any("MaxPool of pairs", () => nn.MaxPool2d((3, 2), (2, 1), (1, 0), (1, 2)));
        yield return Any("MaxPool of arrays", () => nn.MaxPool2d(new long[] { 2 }));
        yield return Any("MaxPool ceil", () => nn.MaxPool2d(3, 2, ceil_mode: true));
        yield return Of("MaxPool ceil of a size", () => nn.MaxPool2d(2, ceil_mode: true));
        yield return Of("MaxPool ceil with padding", () => nn.MaxPool2d(2, 3, 1, ceil_mode: true));
        yield return Of("MaxPool ceil dilated", () => nn.MaxPool2d(3, 2, 1, 2, ceil_mode: true));
        foreach (var counted in new[] { false, true })
        {
            yield return Any($"AvgPool, {counted}", () => nn.AvgPool2d(2, count_include_pad: counted));
            yield return Any($"AvgPool 3, 2, 1, {counted}", () => nn.AvgPool2d(3, 2, 1, count_include_pad: counted));
            yield return Any($"AvgPool of pairs, {counted}", () => nn.AvgPool2d((3, 2), (2, 1), (1, 0), count_include_pad: counted));
            yield return Any($"AvgPool ceil, {counted}", () => nn.AvgPool2d(3, 2, ceil_mode: true, count_include_pad: counted));
            yield return Any($"AvgPool ceil padded, {counted}", () => nn.AvgPool2d(3, 2, 1, ceil_mode: true, count_include_pad: counted));
            yield return Of($"AvgPool ceil of a size, {counted}", () => nn.AvgPool2d(2, 3, 1, ceil_mode: true, count_include_pad: counted));
            yield return Of($"AvgPool ceil, 4 by 3, {counted}", () => nn.AvgPool2d(4, 3, 2, ceil_mode: true, count_include_pad: counted));
            yield return Any($"AvgPool divided, {counted}", () => nn.AvgPool2d(3, 2, 1, count_include_pad: counted, divisor_override: 5));
        }

        yield return Any("AvgPool of arrays", () => nn.AvgPool2d(new long[] { 2 }, new long[] { 1 }, new long[] { 1 }));
        // Where the map is smaller than the kernel, ceil_mode makes the only window.
        foreach (var size in new[] { (2, 2), (2, 7), (7, 2), (2, 3) })
        {
            yield return Sized($"MaxPool ceil of {size}", size, () => nn.MaxPool2d(3, 2, ceil_mode: true));
            yield return Sized($"MaxPool ceil padded of {size}", size, () => nn.MaxPool2d(5, 3, 1, ceil_mode: true));
            yield return Sized($"MaxPool ceil dilated of {size}", size, () => nn.MaxPool2d(2, 3, 0, 3, ceil_mode: true));
            foreach (var counted in new[] { false, true })
            {
                yield return Sized($"AvgPool ceil of {size}, {counted}", size, () =>
                    nn.AvgPool2d(3, 2, ceil_mode: true, count_include_pad: counted));
                yield return Sized($"AvgPool ceil padded of {size}, {counted}", size, () =>
                    nn.AvgPool2d(5, 3, 1, ceil_mode: true, count_include_pad: counted));
            }
        }

        yield return Any("AdaptiveAvgPool to 1", () => nn.AdaptiveAvgPool2d(1));
        foreach (var size in new[] { (13L, 10L), (1L, 5L), (1L, 2L), (13L, 1L), (7L, 7L), (5L, 10L), (2L, 3L), (15L, 11L) })
        {
            yield return Of($"AdaptiveAvgPool to {size}", () => nn.AdaptiveAvgPool2d(size));
        }
    }

    private static IEnumerable<LayerCase> Paddings()
    {
        yield return Any("ZeroPad", () => nn.ZeroPad2d(2));
        yield return Any("ZeroPad of four", () => nn.ZeroPad2d((1, 2, 3, 0)));
        yield return Any("ZeroPad that cuts", () => nn.ZeroPad2d((-1, 2, 1, -2)));
        yield return Any("ConstantPad", () => nn.ConstantPad2d((1, 2, 3, 0), -0.7));
        yield return Any("ReflectionPad", () => nn.ReflectionPad2d((1, 2, 3, 0)));
        yield return Any("ReplicationPad", () => nn.ReplicationPad2d((1, 2, 3, 0)));
    }

    private static IEnumerable<LayerCase> Resizes()
    {
        foreach (var mode in new[] { UpsampleMode.Nearest, UpsampleMode.Bilinear, UpsampleMode.Bicubic })
        {
            foreach (var aligned in mode == UpsampleMode.Nearest ? new bool?[] { null } : [false, true])
            {
                var what = $"Upsample {mode} {aligned}";
                yield return Any($"{what} by 2", () => nn.Upsample(scale_factor: [2, 2], mode: mode, align_corners: aligned));
                yield return Any($"{what} by 3 and 1", () => nn.Upsample(scale_factor: [3, 1], mode: mode, align_corners: aligned));
                yield return Any($"{what} by 1/2", () => nn.Upsample(scale_factor: [0.5, 0.5], mode: mode, align_corners: aligned));
                yield return Of($"{what} by 1.7", () => nn.Upsample(scale_factor: [1.7, 0.6], mode: mode, align_corners: aligned));
                yield return Of($"{what} by 1.7, recomputed", () =>
                    nn.Upsample(scale_factor: [1.7, 0.6], mode: mode, align_corners: aligned, recompute_scale_factor: true));
                // Which pixels are the nearest, float32 decides, where it depends on the map's size.
                Func<string, Func<nn.Module<Tensor, Tensor>>, LayerCase> to = mode == UpsampleMode.Nearest ? Of : Any;
                yield return to($"{what} to 8×21", () => nn.Upsample([8, 21], mode: mode, align_corners: aligned));
                yield return to($"{what} to 1×3", () => nn.Upsample([1, 3], mode: mode, align_corners: aligned));
            }
        }

        // Where the quotient of two sizes, or what one divided by a factor is, has no float32 and lands beside a whole number.
        foreach (var (height, width, toHeight, toWidth) in new[]
        {
            (14, 28, 16, 32), (14, 28, 8, 16), (14, 14, 14, 16), (56, 13, 64, 13), (7, 5, 287, 5),
        })
        {
            yield return Single($"Upsample Nearest {height}×{width} to {toHeight}×{toWidth}", (height, width), () =>
                nn.Upsample([toHeight, toWidth], mode: UpsampleMode.Nearest));
        }

        foreach (var factor in new[] { 1.01, 2.02, 1.1, 1.2, 0.3, 1.0 / 3, 7.0 / 3, 16.0 / 14, 41, 47, 55, 61 })
        {
            foreach (var recomputed in new[] { false, true })
            {
                yield return Single($"Upsample Nearest by {factor}, {recomputed}", (14, 29), () =>
                    nn.Upsample(scale_factor: [factor, 1.2], mode: UpsampleMode.Nearest, recompute_scale_factor: recomputed));
            }
        }

        static LayerCase Single(string what, (int, int) size, Func<nn.Module<Tensor, Tensor>> make) =>
            Sized(what, size, make) with { Reference = ScalarType.Float32 };
    }

    private static IEnumerable<LayerCase> Norms()
    {
        foreach (var affine in new[] { false, true })
        {
            yield return Any($"BatchNorm2d {affine}", () => nn.BatchNorm2d(4, eps: 0.01, affine: affine));
            yield return new($"BatchNorm1d {affine}", () =>
                nn.Sequential(nn.Linear(5, 7), nn.BatchNorm1d(7, affine: affine)), null, [[1, 5], [3, 5]]);
            foreach (var groups in new[] { 1, 2, 4 }) yield return Any($"GroupNorm {groups}, {affine}", () =>
                nn.GroupNorm(groups, 4, eps: 0.01, affine: affine));
            yield return Of($"GroupNorm of a size, {affine}", () => nn.GroupNorm(2, 4, affine: affine));
            foreach (var bias in new[] { false, true })
            {
                yield return Of($"LayerNorm of maps {affine} {bias}", () =>
                    nn.LayerNorm([4, 13, 10], elementwise_affine: affine, bias: bias));
                yield return Of($"LayerNorm of rows {affine} {bias}", () =>
                    nn.LayerNorm([10], eps: 0.01, elementwise_affine: affine, bias: bias));
                yield return new($"LayerNorm of features {affine} {bias}", () =>
                    nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7, elementwise_affine: affine, bias: bias)), null, [[1, 5], [3, 5]]);
            }
        }
    }

    private static IEnumerable<LayerCase> Shapes()
    {
        yield return Of("Flatten", () => nn.Sequential(nn.Flatten(), nn.Linear(520, 3)));
        yield return Of("Flatten from 1 to 3", () => nn.Sequential(nn.Flatten(1, 3), nn.Linear(520, 3, hasBias: false)));
        yield return Any("Flatten from 2", () => nn.Flatten(2));
        yield return Any("Flatten from the last", () => nn.Flatten(-1));
        yield return Of("Linear of rows", () => nn.Sequential(nn.Linear(10, 3), nn.ReLU(), nn.Linear(3, 5, hasBias: false)));
        yield return Any("channels last", () => nn.Sequential(
            torchvision.ops.Permute(0, 2, 3, 1), nn.LayerNorm(4), nn.Linear(4, 9), nn.GELU(), nn.Linear(9, 4),
                torchvision.ops.Permute(0, 3, 1, 2)));
    }

    private static IEnumerable<LayerCase> Convolutions()
    {
        foreach (var mode in new[] { PaddingModes.Zeros, PaddingModes.Reflect, PaddingModes.Replicate })
        {
            foreach (var bias in new[] { false, true })
            {
                var what = $"Conv2d {mode} {bias}";
                yield return Any(what, () => nn.Conv2d(4, 6, 3, 2, 1, padding_mode: mode, bias: bias));
                yield return Any($"{what} of pairs", () =>
                    nn.Conv2d(4, 6, (3, 2), (1, 2), (2, 1), (2, 1), padding_mode: mode, groups: 2, bias: bias));
                yield return Any($"{what} same", () =>
                    nn.Conv2d(4, 8, 4, TorchSharp.Padding.Same, padding_mode: mode, groups: 4, bias: bias));
                yield return Any($"{what} valid", () => nn.Conv2d(4, 6, 3, TorchSharp.Padding.Valid, 2, 2, padding_mode: mode, bias: bias));
                yield return Any($"{what} and norm", () =>
                    nn.Sequential(nn.Conv2d(4, 6, 3, 1, 1, padding_mode: mode, bias: bias), nn.BatchNorm2d(6), nn.ReLU(true)));
            }
        }

        yield return Any("Conv2d same of pairs", () => nn.Conv2d(4, 6, (4, 3), TorchSharp.Padding.Same, dilation: (1, 2)));
    }

    private static LayerCase Any(string what, Func<nn.Module<Tensor, Tensor>> make) => new(what, () => Between(make()), null, OfAny);

    private static LayerCase Of(string what, Func<nn.Module<Tensor, Tensor>> make) => new(what, () => Between(make()), Fixed, OfFixed);

    private static LayerCase Sized(string what, (int Height, int Width) size, Func<nn.Module<Tensor, Tensor>> make) =>
        new(what, () => Between(make()), size, [[1, 4, size.Height, size.Width], [3, 4, size.Height, size.Width]]);

    // A convolution that leaves the shape as it is says what goes in; its values are of both signs and of different sizes.
    private static Sequential Between(nn.Module<Tensor, Tensor> layer) => nn.Sequential(nn.Conv2d(4, 4, 1), layer);
}

/// <summary>
/// A module, the size that it needs or none, shapes to run, and the type to compare with: in float64 torch takes other pixels for the
/// nearest than in float32, in which the file computes.
/// </summary>
internal sealed record LayerCase(
    string What, Func<nn.Module<Tensor, Tensor>> Make, (int, int)? Size, long[][] Shapes, ScalarType Reference = ScalarType.Float64);
