using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Whole blocks in training, whatever their rows: they stay within the memory whose sizes they give, or the process ends.</summary>
public sealed unsafe class BlockKernelsTests
{
    public static TheoryData<string, int> Seeds()
    {
        var data = new TheoryData<string, int>();
        foreach (var kernels in Widths.Tested)
        {
            for (var seed = 0; seed < 40; seed++) data.Add(kernels.Name, seed);
        }

        return data;
    }

    /// <summary>Rows of odd proportions too: squeeze-excite may have more channels within than the map has.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_block_reads_and_writes_nothing_outside_of_its_memory(string name, int seed)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pages are guarded with Linux's mmap.");
        RunBetweenGuards(name, seed, atEnd: false);
        RunBetweenGuards(name, seed, atEnd: true);
    }

    private static void RunBetweenGuards(string name, int seed, bool atEnd)
    {
        var draw = new Random(seed);
        var kernels = BlockKernels.Of(KernelRegistry.Available.First(one => one.Name == name));
        var shape = Draw(draw);
        var sizes = kernels.Sizes(shape);
        using var memory = new Memory(draw, atEnd);
        float* input = memory.Take(shape.Batch * shape.In * shape.Plane), output = memory.Take(shape.Batch * shape.Out * shape.OutputPlane);
        float* kept = memory.Take(sizes.Kept), forward = memory.Take(sizes.Forward), backward = memory.Take(sizes.Backward);
        var parameters = new BlockParameters();
        var gradients = new BlockGradients { Input = memory.Take(shape.Batch * shape.In * shape.Plane) };
        if (shape.Prepadded)
        {
            parameters.Padded = memory.Take(shape.Batch * shape.In * shape.ExpandedPlane);
            gradients.Padded = memory.Take(shape.Batch * shape.In * shape.ExpandedPlane);
        }

        var (within, around) = (shape.Squeezed, shape.SqueezesOutput ? shape.Out : shape.Expand);
        if (!shape.SkipsExpansion) memory.Fill(ref parameters.Expand, ref gradients.Expand, shape.In, shape.Expand, draw);
        if (shape.IsSeparated)
        {
            if (shape.HasTwoByTwo) memory.Fill(ref parameters.Spatial, ref gradients.Spatial, 4, shape.Expand, draw);
            memory.Fill(ref parameters.Horizontal, ref gradients.Horizontal, shape.Kernel, shape.Expand, draw);
            memory.Fill(ref parameters.Vertical, ref gradients.Vertical, shape.Kernel, shape.Expand, draw);
        }
        else
        {
            memory.Fill(ref parameters.Spatial, ref gradients.Spatial, shape.Kernel * shape.Kernel, shape.Expand, draw);
        }

        if (shape.HasSqueeze)
        {
            memory.Fill(ref parameters.Squeeze, ref gradients.Squeeze, around, within, draw);
            memory.Fill(ref parameters.Excite, ref gradients.Excite, within, around, draw);
        }

        memory.Fill(ref parameters.Project, ref gradients.Project, shape.Expand, shape.Out, draw);
        if (shape.HasShortcutConvolution) memory.Fill(ref parameters.Shortcut, ref gradients.Shortcut, shape.In, shape.Out, draw);
        Assert.True(kernels.Forward(shape, parameters, input, output, kept, forward, threads: 1));
        kernels.Backward(shape, parameters, input, output, kept, backward, gradients, threads: 1);
    }

    private static BlockTrainingShape Draw(Random draw)
    {
        var (separated, skips) = (draw.Next(2) == 0, draw.Next(4) == 0);
        var expand = draw.Next(1, 50);
        var squeezed = draw.Next(3) == 0 ? 0 : draw.Next(1, 140);
        var padded = separated && draw.Next(4) != 0;
        return new(
            draw.Next(1, 6), skips ? expand : draw.Next(1, 30), expand, draw.Next(1, 40), draw.Next(1, 12), draw.Next(1, 12), 3 + (2 * draw.Next(5)),
            draw.Next(1, 3), (Activation)draw.Next(4))
        {
            IsSeparated = separated,
            Padding = padded ? (PaddingDirection)draw.Next(5) : null,
            Prepadded = padded && !skips && draw.Next(3) == 0,
            SkipsExpansion = skips,
            Squeezed = squeezed,
            SqueezesOutput = squeezed > 0 && draw.Next(4) == 0,
            ActivatesBeforeSqueeze = draw.Next(2) == 0,
            HasPlainShortcut = draw.Next(2) == 0,
        };
    }

    private sealed class Memory(Random draw, bool atEnd) : IDisposable
    {
        private readonly List<GuardedFloats> _all = [];

        public float* Take(long floats)
        {
            var values = new float[floats];
            for (var i = 0; i < values.Length; i++) values[i] = (float)draw.NextDouble() - 0.5f;
            _all.Add(new(values, atEnd));
            return _all[^1].Pointer;
        }

        public void Fill(ref ConvNormParameters layer, ref ConvNormGradients gradients, int inputs, int outputs, Random draw)
        {
            layer = new()
            {
                Weights = Take((long)inputs * outputs),
                Norm = new()
                {
                    Weight = Take(outputs),
                    Bias = Take(outputs),
                    RunningMean = Take(outputs),
                    RunningVariance = Take(outputs),
                    Epsilon = 1,
                    Momentum = 0.1,
                    Frozen = draw.Next(3) == 0,
                },
            };
            gradients = new() { Weights = Take((long)inputs * outputs), Norm = new() { Weight = Take(outputs), Bias = Take(outputs) } };
        }

        public void Dispose() => _all.ForEach(one => one.Dispose());
    }
}
