using System.Runtime.Intrinsics;
using XSepConv.Inference;
using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Inference;

/// <summary>The register tiles and what is put together from them, against sums in float64.</summary>
public sealed unsafe class TileTests
{
    private const double Rounding = 1.0 / (1 << 24);

    public static TheoryData<string> Kernels => [.. KernelRegistry.Accelerated.Select(kernel => kernel.Name)];

    private interface IWidthTest
    {
        void Run<TLanes, TVector>()
            where TLanes : struct, ILanes<TVector>
            where TVector : unmanaged;
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_thousand_random_products_are_those_of_float64(string kernel) => At(kernel, new Products());

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Every_pointwise_tile_is_right(string kernel) => At(kernel, new EveryPointwiseTile());

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Every_depthwise_tile_is_right(string kernel) => At(kernel, new EveryDepthwiseTile());

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_thousand_random_linear_layers_are_those_of_float64(string kernel) => At(kernel, new LinearProducts());

    [Theory]
    [InlineData(1, 14)]
    [InlineData(49, 14)]
    [InlineData(196, 9)]
    [InlineData(12_544, 14)]
    [InlineData(400_000_000, 14)]
    public void A_plan_covers_every_pixel_once(int pixels, int largest)
    {
        var next = 0;
        foreach (var run in TilePlan.Runs(pixels, largest, size => 20 + Math.Max(8, size)))
        {
            Assert.Equal(next, run.Offset);
            Assert.InRange(run.Pixels, 1, largest);
            next += run.Pixels * run.Count;
        }

        Assert.Equal(pixels, next);
    }

    // Of images that are refused later, too.
    [Fact]
    public void A_plan_of_a_map_of_millions_of_pixels_takes_no_room()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        _ = TilePlan.Runs(400_000_000, 14, size => 10 + size);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 16);
    }

    // 49 pixels in tiles of up to 14 that cost 10 + size: at least four tiles, whatever they are, so 49 + 40.
    [Fact]
    public void A_plan_costs_as_little_as_it_can() =>
        Assert.Equal(89, TilePlan.Pieces(49, 14, size => 10 + size).Sum(size => 10 + size));

    private static void At(string kernel, IWidthTest test)
    {
        switch (kernel)
        {
            case "v512": test.Run<Lanes512, Vector512<float>>(); break;
            case "v256": test.Run<Lanes256, Vector256<float>>(); break;
            case "v128": test.Run<Lanes128, Vector128<float>>(); break;
            default: test.Run<LanesScalar, float>(); break;
        }
    }

    private static float[] Random(Random random, int count)
    {
        var values = new float[count];
        foreach (ref var value in values.AsSpan()) value = (random.NextSingle() * 2) - 1;
        return values;
    }

    /// <summary>
    /// A sum of n products in any order is off by at most (n + 2) roundings of the sum of their sizes; an activation adds a few of the
    /// result. The sentence is put together for a wrong value only: there are millions of right ones.
    /// </summary>
    private static string? Wrong(double expected, double sizes, int terms, float actual, TileActivation activation)
    {
        var value = activation switch
        {
            TileActivation.ReLU => Math.Max(0, expected),
            TileActivation.HSwish => expected * Math.Clamp((expected / 6) + 0.5, 0, 1),
            TileActivation.HSigmoid => Math.Clamp((expected / 6) + 0.5, 0, 1),
            TileActivation.ReLU6 => Math.Clamp(expected, 0, 6),
            TileActivation.SiLU => expected / (1 + Math.Exp(-expected)),
            TileActivation.None => expected,
            _ => throw new InvalidOperationException($"{activation}"),
        };
        // hswish is nowhere steeper than 1.5, SiLU than 1.1.
        var allowed = (1.5 * (terms + 2) * Rounding * sizes) + (4 * Rounding * Math.Abs(value)) + (4 * Rounding);
        return Math.Abs(actual - value) <= allowed
            ? null
            : $"{actual} instead of {value}, off by {Math.Abs(actual - value):E2}, allowed {allowed:E2}";
    }

    private sealed class Products : IWidthTest
    {
        public void Run<TLanes, TVector>()
            where TLanes : struct, ILanes<TVector>
            where TVector : unmanaged
        {
            var random = new Random(11);
            for (var i = 0; i < 1000; i++)
            {
                // Some have more inputs than are summed up at a time.
                var (pixels, inputs, outputs) = i == 0 ? (1, 1, 1)
                    : (random.Next(1, 61), i % 100 is 1 or 2 ? random.Next(700, 900) : random.Next(1, 71), random.Next(1, 71));
                var layer = new FoldedLayer(outputs, inputs, Random(random, inputs * outputs), Random(random, outputs));
                Slot? residual = (i % 6) switch { 0 => Slot.SharedA, 1 => Slot.SharedB, _ => null };
                Run<TLanes, TVector>(layer, pixels, random, residual, threads: 1 + (i % 3));
            }
        }

        private static void Run<TLanes, TVector>(FoldedLayer layer, int pixels, Random random, Slot? residual, int threads)
            where TLanes : struct, ILanes<TVector>
            where TVector : unmanaged
        {
            var lanes = TLanes.Count;
            var packed = new PackedPointwise(layer, new WeightMemory(lanes));
            var input = new AlignedFloats((long)((layer.Taps + lanes - 1) / lanes) * pixels * lanes);
            var output = new AlignedFloats((long)packed.Blocks * pixels * lanes);
            float At(AlignedFloats map, int channel, int pixel) =>
                map.Pointer[(((channel / lanes) * pixels) + pixel) * lanes + (channel % lanes)];
            for (var i = 0; i < input.Length; i++) input.Pointer[i] = (random.NextSingle() * 2) - 1;
            var added = Random(random, (int)output.Length);
            var other = new AlignedFloats(output.Length);
            if (residual is { } slot) added.CopyTo(new Span<float>((slot == Slot.SharedA ? output : other).Pointer, added.Length));
            var maps = default(ImageMaps);
            maps[Slot.Middle] = input.Pointer;
            maps[Slot.SharedA] = output.Pointer;
            maps[Slot.SharedB] = other.Pointer;
            var step = new PointwiseStep<TLanes, TVector>(packed, pixels, Slot.Middle, Slot.SharedA, residual, TileActivation.None, threads) { Name = "", Macs = 0 };
            for (var item = step.Items - 1; item >= 0; item--) step.Run(maps, item, item + 1, null);
            GC.KeepAlive(other);
            for (var channel = 0; channel < layer.Outputs; channel++)
            {
                for (var pixel = 0; pixel < pixels; pixel++)
                {
                    double sum = layer.Bias[channel], sizes = Math.Abs(sum);
                    if (residual is not null)
                    {
                        var more = added[((((channel / lanes) * pixels) + pixel) * lanes) + (channel % lanes)];
                        sum += more;
                        sizes += Math.Abs(more);
                    }

                    for (var c = 0; c < layer.Taps; c++)
                    {
                        var term = (double)layer.Weights[(channel * layer.Taps) + c] * At(input, c, pixel);
                        sum += term;
                        sizes += Math.Abs(term);
                    }

                    if (Wrong(sum, sizes, layer.Taps + 1, At(output, channel, pixel), TileActivation.None) is { } wrong)
                    {
                        Assert.Fail($"{pixels} pixels, {layer.Taps} → {layer.Outputs}, channel {channel}, pixel {pixel}: {wrong}");
                    }
                }
            }

            // What fills the last vector up stays zero: the next layer's tiles read no more than they must, depthwise ones all of it.
            if (residual is not null) return;
            for (var channel = layer.Outputs; channel < packed.Blocks * lanes; channel++) Assert.Equal(0, At(output, channel, pixels - 1));
        }
    }

    [Theory]
    [InlineData(24, 16, true)]
    [InlineData(40, 16, true)]
    [InlineData(25, 16, false)]
    [InlineData(32, 16, false)]
    [InlineData(8, 16, true)]
    [InlineData(24, 8, false)]
    public void Half_a_vector_is_known_by_its_channels(int outputs, int lanes, bool isLastHalf)
    {
        var groups = PointwisePlan.Create(outputs, lanes, 196, 64);
        Assert.Equal(isLastHalf, groups[^1].IsLastHalf);
        Assert.All(groups.SkipLast(1), group => Assert.False(group.IsLastHalf));
    }

    private sealed class EveryPointwiseTile : IWidthTest
    {
        public void Run<TLanes, TVector>()
            where TLanes : struct, ILanes<TVector>
            where TVector : unmanaged
        {
            var random = new Random(12);
            var lanes = TLanes.Count;
            for (var vectors = 1; vectors <= 3; vectors++)
            {
                for (var pixels = 1; pixels <= PointwisePlan.MaxPixels(vectors, PointwisePlan.Registers(lanes)); pixels++)
                {
                    foreach (var (activation, isLastHalf) in Enum.GetValues<TileActivation>().SelectMany(a => new[] { (a, false), (a, true) }))
                    {
                        const int Count = 2;
                        var channels = lanes + 1 + (pixels % 3);
                        var plane = Count * pixels * lanes;
                        float[] input = Random(random, (channels + lanes - 1) / lanes * plane),
                            weights = Random(random, vectors * channels * lanes), bias = Random(random, vectors * lanes);
                        for (var row = (vectors - 1) * channels; row < vectors * channels && isLastHalf; row++)
                        {
                            weights.AsSpan((row * lanes) + (lanes / 2), lanes / 2).Clear();
                        }

                        if (isLastHalf) bias.AsSpan(bias.Length - (lanes / 2)).Clear();
                        var output = new float[vectors * plane];
                        fixed (float* x = input, w = weights, b = bias, y = output)
                        {
                            using var memory = new CallMemory();
                            memory.Add(x, input.Length);
                            memory.Add(w, weights.Length);
                            memory.Add(b, bias.Length);
                            memory.Add(y, output.Length);
                            PointwiseTile tile = default;
                            tile.Input = x;
                            tile.Outer = plane;
                            tile.Channels = channels;
                            tile.Weights = w;
                            tile.WeightBlock = channels * lanes;
                            tile.Bias = b;
                            tile.Output = y;
                            tile.OutputBlock = plane;
                            tile.IsLastHalf = isLastHalf;
                            tile.Activation = activation;
                            tile.Count = Count;
                            tile.InputStep = pixels * lanes;
                            tile.OutputStep = pixels * lanes;
                            PointwiseTiles<TLanes, TVector>.Run(pixels, vectors, &tile);
                        }

                        for (var i = 0; i < output.Length; i++)
                        {
                            var (vector, pixel, lane) = (i / plane, i % plane / lanes, i % lanes);
                            double sum = bias[(vector * lanes) + lane], sizes = Math.Abs(sum);
                            for (var c = 0; c < channels; c++)
                            {
                                var term = (double)weights[(((vector * channels) + c) * lanes) + lane] * input[(c / lanes * plane)
                                    + (pixel * lanes) + (c % lanes)];
                                sum += term;
                                sizes += Math.Abs(term);
                            }

                            if (Wrong(sum, sizes, channels, output[i], activation) is { } wrong)
                            {
                                Assert.Fail($"tile {pixels}×{vectors} {activation} {(isLastHalf ? "half " : "")}{i}: {wrong}");
                            }
                        }
                    }
                }
            }
        }
    }

    private sealed class EveryDepthwiseTile : IWidthTest
    {
        public void Run<TLanes, TVector>()
            where TLanes : struct, ILanes<TVector>
            where TVector : unmanaged
        {
            for (var pixels = 1; pixels <= DepthwiseTiles<TLanes, TVector, Stride1>.MaxPixels; pixels++)
            {
                foreach (var activation in Enum.GetValues<TileActivation>())
                {
                    Run<TLanes, TVector, Stride1>(pixels, 1, activation);
                    Run<TLanes, TVector, Stride2>(pixels, 2, activation);
                }
            }
        }

        private static void Run<TLanes, TVector, TStride>(int pixels, int stride, TileActivation activation)
            where TLanes : struct, ILanes<TVector>
            where TVector : unmanaged
            where TStride : struct, IStride
        {
            const int Rows = 2, Height = 3, Width = 2, Column = 1;
            var lanes = TLanes.Count;
            var random = new Random(13);
            var sourceWidth = ((pixels + Column) * stride) + Width;
            var outputWidth = pixels + Column;
            float[] input = Random(random, ((Rows * stride) + Height) * sourceWidth * lanes),
                weights = Random(random, Height * Width * lanes), bias = Random(random, lanes);
            var output = new float[Rows * outputWidth * lanes];
            fixed (float* x = input, w = weights, b = bias, y = output)
            {
                using var memory = new CallMemory();
                memory.Add(x, input.Length);
                memory.Add(w, weights.Length);
                memory.Add(b, bias.Length);
                memory.Add(y, output.Length);
                var source = stackalloc float*[(Rows * stride) + Height];
                for (var i = 0; i < (Rows * stride) + Height; i++) source[i] = x + (i * sourceWidth * lanes);
                var destination = stackalloc float*[Rows];
                for (var i = 0; i < Rows; i++) destination[i] = y + (i * outputWidth * lanes);
                DepthwiseTile tile;
                tile.Source = source;
                tile.RowStride = stride;
                tile.KernelHeight = Height;
                tile.KernelWidth = Width;
                tile.Weights = w;
                tile.WeightRow = Width * lanes;
                tile.Bias = b;
                tile.Destination = destination;
                tile.Rows = Rows;
                tile.Activation = activation;
                DepthwiseTiles<TLanes, TVector, TStride>.Run(pixels, &tile, Column * lanes);
            }

            for (var i = 0; i < output.Length; i++)
            {
                var (row, column, lane) = (i / (outputWidth * lanes), i / lanes % outputWidth, i % lanes);
                if (column < Column)
                {
                    Assert.Equal(0, output[i]);
                    continue;
                }

                double sum = bias[lane], sizes = Math.Abs(sum);
                for (var tap = 0; tap < Height * Width; tap++)
                {
                    var term = (double)weights[(tap * lanes) + lane] * input[(
                        ((((row * stride) + (tap / Width)) * sourceWidth) + (column * stride) + (tap % Width)) * lanes) + lane];
                    sum += term;
                    sizes += Math.Abs(term);
                }

                if (Wrong(sum, sizes, Height * Width, output[i], activation) is { } wrong)
                {
                    Assert.Fail($"{pixels} pixels, stride {stride}, {activation}, {i}: {wrong}");
                }
            }
        }
    }

    private sealed class LinearProducts : IWidthTest
    {
        public void Run<TLanes, TVector>()
            where TLanes : struct, ILanes<TVector>
            where TVector : unmanaged
        {
            var random = new Random(14);
            var activations = Enum.GetValues<TileActivation>();
            for (var i = 0; i < 1000; i++)
            {
                // Up to ten tiles of images and four groups of outputs, each last one partly filled; one image as often as many, since it
                // takes groups in pairs.
                var (images, inputs, outputs) = i == 0 ? (1, 1, 1)
                    : (i % 2 == 0 ? 1 : random.Next(2, 41), random.Next(1, 71), random.Next(1, (15 * TLanes.Count) + 1));
                var layer = new FoldedLayer(outputs, inputs, Random(random, inputs * outputs), Random(random, outputs));
                Run<TLanes, TVector>(layer, images, inputRow: inputs + random.Next(3), random, activations[i % activations.Length]);
            }
        }

        private static void Run<TLanes, TVector>(FoldedLayer layer, int images, int inputRow, Random random, TileActivation activation)
            where TLanes : struct, ILanes<TVector>
            where TVector : unmanaged
        {
            var packed = new PackedLinear(layer, new WeightMemory(TLanes.Count));
            var row = packed.Blocks * TLanes.Count;
            float[] input = Random(random, images * inputRow), output = new float[images * row];
            var step = new LinearStep<TLanes, TVector>(packed, inputRow, activation) { Name = "", Macs = 0 };
            var items = step.Items(images);
            var most = random.Next(1, items + 1);
            fixed (float* x = input, y = output)
            {
                using var memory = new CallMemory();
                memory.Add(x, input.Length);
                memory.Add(y, output.Length);
                for (var item = 0; item < items; item += most) step.Run(x, y, images, item, Math.Min(items, item + most));
            }

            for (var image = 0; image < images; image++)
            {
                for (var o = 0; o < layer.Outputs; o++)
                {
                    double sum = layer.Bias[o], sizes = Math.Abs(sum);
                    for (var c = 0; c < layer.Taps; c++)
                    {
                        var term = (double)layer.Weights[(o * layer.Taps) + c] * input[(image * inputRow) + c];
                        sum += term;
                        sizes += Math.Abs(term);
                    }

                    if (Wrong(sum, sizes, layer.Taps, output[(image * row) + o], activation) is { } wrong)
                    {
                        Assert.Fail($"{images} images, {layer.Taps} → {layer.Outputs}, {activation}: {wrong}");
                    }
                }
            }
        }
    }
}
