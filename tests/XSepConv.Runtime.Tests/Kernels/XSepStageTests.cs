using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

public sealed class XSepStageTests
{
    public static TheoryData<string> Kernels => [.. Widths.Names];

    public static TheoryData<string, int> ChosenCases => Cross(Widths.TestedOnFewShapes, XSepStageCases.Chosen.Count);

    public static TheoryData<string, int> RandomCases => Cross(Widths.Tested, 60);

    [Theory]
    [MemberData(nameof(ChosenCases))]
    public void Training_agrees_with_float64_on_chosen_shapes(string kernels, int index) =>
        CheckTraining(KernelRegistry.Choose(kernels), XSepStageCases.Chosen[index], 100 + index);

    [Theory]
    [MemberData(nameof(RandomCases))]
    public void Training_agrees_with_float64_on_random_shapes(string kernels, int seed) =>
        CheckTraining(KernelRegistry.Choose(kernels), XSepStageCases.Random(seed), seed);

    [Theory]
    [MemberData(nameof(ChosenCases))]
    public void Inference_and_its_backward_agree_with_float64_on_chosen_shapes(string kernels, int index) =>
        CheckFrozen(KernelRegistry.Choose(kernels), XSepStageCases.Chosen[index], 200 + index);

    [Theory]
    [MemberData(nameof(RandomCases))]
    public void Inference_and_its_backward_agree_with_float64_on_random_shapes(string kernels, int seed) =>
        CheckFrozen(KernelRegistry.Choose(kernels), XSepStageCases.Random(1000 + seed), 1000 + seed);

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Every_thread_count_gives_the_same_bits(string kernels)
    {
        foreach (var (batch, channels, width) in new[] { (20, 7, 7), (2, 50, 7), (3, 4, 7), (2, 50, 14), (20, 7, 14) })
        {
            var shape = new XSepStageShape(batch, channels, 6, width, 5, 1, PaddingDirection.Symmetric, Activation.HSwish);
            float[]? expected = null, expectedInference = null;
            foreach (var threads in new[] { 1, 2, 3, 8 })
            {
                var data = new XSepStageData(shape, 5, 1e-5);
                data.Infer(KernelRegistry.Choose(kernels), threads);
                var inference = data.Output.ToArray();
                data.TrainForward(KernelRegistry.Choose(kernels), threads);
                data.Backward(KernelRegistry.Choose(kernels), threads: threads);
                Assert.Equal(expected ??= data.AllResults(), data.AllResults());
                Assert.Equal(expectedInference ??= inference, inference);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public unsafe void Inference_touches_nothing_beside_its_tensors(string kernels)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pages are guarded with Linux's mmap.");
        foreach (var chosen in XSepStageCases.Chosen)
        {
            foreach (var padding in Enum.GetValues<PaddingDirection>())
            {
                var data = new XSepStageData(chosen with { Padding = padding }, 6, 1e-5);
                data.Infer(KernelRegistry.Choose(kernels));
                foreach (var atEnd in new[] { false, true })
                {
                    using var input = new GuardedFloats(data.Input, atEnd);
                    using var output = new GuardedFloats(new float[data.Output.Length], atEnd);
                    data.Infer(KernelRegistry.Choose(kernels), input.Pointer, output.Pointer);
                    Assert.Equal(data.Output, new ReadOnlySpan<float>(output.Pointer, data.Output.Length).ToArray());
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Sixteen_callers_at_once_get_the_bits_of_one_alone(string kernels)
    {
        var shape = new XSepStageShape(3, 20, 9, 8, 5, 1, PaddingDirection.LeftTop, Activation.HSwish);
        var alone = new XSepStageData(shape, 3, 1e-5);
        alone.Infer(KernelRegistry.Choose(kernels));
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 16 }, _ =>
        {
            var data = new XSepStageData(shape, 3, 1e-5);
            for (var i = 0; i < 5; i++) data.Infer(KernelRegistry.Choose(kernels), threads: 2);
            Assert.Equal(alone.Output, data.Output);
        });
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_mean_far_above_the_deviation_costs_no_digits_of_the_statistics(string kernels)
    {
        // Prepadded, no border: what the 2×2 gives is x itself, 3000 ± 0.5.
        var shape = new XSepStageShape(20, 2, 8, 8, 3, 1, PaddingDirection.RightBottom, Activation.ReLU) { Prepadded = true };
        var data = new XSepStageData(shape, 9, 1e-5);
        for (var i = 0; i < data.Input.Length; i++) data.Input[i] = 3000 + (data.Input[i] / 2);
        for (var c = 0; c < 2; c++) new float[] { 1, 0, 0, 0 }.CopyTo(data.TwoByTwo, c * 4);
        var reference = new XSepStageReference(shape, data);
        reference.Forward(data.Input64);
        data.TrainForward(KernelRegistry.Choose(kernels));
        for (var c = 0; c < 2; c++)
        {
            // The mean is stored as float32: half a unit in the last place of 3000 is 1.2e-4. The variance depends on it by its square
            // only.
            Assert.Equal(reference.Norms[0].Mean[c], data.Means[0][c], 1.3e-4);
            var expected = 1 / Math.Sqrt(reference.Norms[0].Variance[c] + data.Epsilon);
            Assert.Equal(expected, data.InverseStds[0][c], 1e-6 * expected);
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Where_a_statistic_is_out_of_float32s_range_that_is_said_and_running_ones_stay(string kernels)
    {
        // Images in the lanes, and channels.
        foreach (var batch in new[] { 20, 2 })
        {
            for (var norm = 0; norm < 3; norm++)
            {
                foreach (var factor in new[] { 1e12f, 1e30f, 1e-20f, float.NaN, float.PositiveInfinity })
                {
                    // The convolution before a norm makes the values of one channel too large, or too small.
                    var shape = new XSepStageShape(batch, 5, 6, 7, 3, 1, PaddingDirection.RightBottom, Activation.HSwish);
                    var data = new XSepStageData(shape, 7, epsilon: 0);
                    foreach (ref var weight in (norm switch
                    {
                        0 => data.TwoByTwo.AsSpan(2 * 4, 4),
                        1 => data.Horizontal.AsSpan(2 * 3, 3),
                        _ => data.Vertical.AsSpan(2 * 3, 3),
                    }))
                    {
                        weight *= factor;
                    }

                    var before = data.RunningMeans.Concat(data.RunningVariances).SelectMany(values => values).ToArray();
                    Assert.False(data.TryTrainForward(KernelRegistry.Choose(kernels)), $"{factor} in norm {norm}");
                    Assert.Equal(before, data.RunningMeans.Concat(data.RunningVariances).SelectMany(values => values));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void NaN_in_an_image_comes_out_of_its_own_plane_only(string kernels)
    {
        foreach (var activation in Enum.GetValues<Activation>())
        {
            foreach (var (padding, width) in new[] { (PaddingDirection.LeftTop, 5), (PaddingDirection.LeftTop, 14),
                (PaddingDirection.RightBottom, 14) })
            {
                var shape = new XSepStageShape(2, 20, 5, width, 3, 1, padding, activation);
                foreach (var pixel in new[] { 0, 2 * width, shape.Plane - 1 })
                {
                    var data = new XSepStageData(shape, 4, 1e-5);
                    data.Input[(3 * shape.Plane) + pixel] = float.NaN;
                    data.Infer(KernelRegistry.Choose(kernels));
                    for (var plane = 0; plane < 40; plane++)
                    {
                        Assert.Equal(plane == 3, data.Output.AsSpan(plane * shape.Plane, shape.Plane).ToArray().Any(float.IsNaN));
                    }
                }
            }
        }
    }

    [Fact]
    public void Bad_shapes_are_refused_by_name()
    {
        var good = new XSepStageShape(2, 3, 4, 4, 5, 1, PaddingDirection.LeftTop, Activation.ReLU);
        good.ValidateForTraining();
        Refused(good with { Batch = 0 }, "batch");
        Refused(good with { Channels = -1 }, "channels");
        Refused(good with { Height = 0 }, "height");
        Refused(good with { Width = 9000 }, "width");
        Refused(good with { Height = 8000, Width = 8000 }, "height");
        Refused(good with { Kernel = 4 }, "kernel");
        Refused(good with { Kernel = 257 }, "kernel");
        Refused(good with { Stride = 3 }, "stride");
        Refused(good with { Padding = (PaddingDirection)9 }, "Padding");
        Refused(good with { Activation = (Activation)7 }, "activation");
        Assert.Throws<ArgumentException>(() => (good with { Batch = 1, Height = 2, Width = 2, Stride = 2 }).ValidateForTraining());

        static void Refused(XSepStageShape shape, string name) =>
            Assert.Equal(name, Assert.Throws<ArgumentOutOfRangeException>(shape.Validate).ParamName);
    }

    private static void CheckTraining(StageKernels kernels, XSepStageShape shape, int seed)
    {
        var (data, reference, output) = XSepStageCases.Draw(shape, seed);
        var before = (Means: data.RunningMeans.Select(x => x.ToArray()).ToArray(),
            Variances: data.RunningVariances.Select(x => x.ToArray()).ToArray());
        var inputGradient = reference.Backward(data.OutputGradient64);

        data.TrainForward(kernels);
        data.Backward(kernels);

        Closeness.Check("output", output.Values, data.Output);
        for (var i = 0; i < 3; i++)
        {
            var norm = reference.Norms[i];
            double count = norm.ValuesPerChannel;
            Closeness.Check($"mean {i}", norm.Mean, data.Means[i], Math.Sqrt(norm.Variance.Max()));
            Closeness.Check($"inverse std {i}", [.. norm.Variance.Select(v => 1 / Math.Sqrt(v + data.Epsilon))], data.InverseStds[i]);
            Closeness.Check($"running mean {i}", [.. norm.Mean.Select((m, c) => (0.7 * before.Means[i][c]) + (0.3 * m))],
                data.RunningMeans[i], Math.Sqrt(norm.Variance.Max()));
            Closeness.Check($"running variance {i}", [.. norm.Variance.Select((v, c) =>
                (0.7 * before.Variances[i][c]) + (0.3 * v * count / (count - 1)))], data.RunningVariances[i]);
        }

        CheckGradients(data, reference, inputGradient);
    }

    private static void CheckFrozen(StageKernels kernels, XSepStageShape shape, int seed)
    {
        var (data, reference, output) = XSepStageCases.Draw(shape, seed, frozen: true);
        var inputGradient = reference.Backward(data.OutputGradient64);
        data.FreezeStatistics();

        data.Infer(kernels);
        data.Backward(kernels, frozen: true);

        Closeness.Check("output", output.Values, data.Output);
        CheckGradients(data, reference, inputGradient);
    }

    private static void CheckGradients(XSepStageData data, XSepStageReference reference, Map64 inputGradient)
    {
        Closeness.Check("input gradient", inputGradient.Values, data.InputGradient);
        Closeness.Check("2×2 gradient", reference.TwoByTwoGradient, data.TwoByTwoGradient);
        Closeness.Check("1×K gradient", reference.HorizontalGradient, data.HorizontalGradient);
        Closeness.Check("K×1 gradient", reference.VerticalGradient, data.VerticalGradient);
        for (var i = 0; i < 3; i++)
        {
            Closeness.Check($"BN weight gradient {i}", reference.Norms[i].WeightGradient, data.NormWeightGradients[i]);
            Closeness.Check($"BN bias gradient {i}", reference.Norms[i].BiasGradient, data.NormBiasGradients[i]);
        }
    }

    private static TheoryData<string, int> Cross(IEnumerable<StageKernels> widths, int count)
    {
        var cases = new TheoryData<string, int>();
        foreach (var kernels in widths)
        {
            for (var i = 0; i < count; i++) cases.Add(kernels.Name, i);
        }

        return cases;
    }
}
