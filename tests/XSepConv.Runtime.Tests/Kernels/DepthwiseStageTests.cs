using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

public sealed class DepthwiseStageTests
{
    public static TheoryData<string> Kernels => [.. Widths.Names];

    public static TheoryData<string, int> ChosenCases => Cross(Widths.TestedOnFewShapes, DepthwiseStageCases.Chosen.Count);

    public static TheoryData<string, int> RandomCases => Cross(Widths.Tested, 80);

    [Theory]
    [MemberData(nameof(ChosenCases))]
    public void Training_agrees_with_float64_on_chosen_shapes(string kernels, int index) =>
        CheckTraining(KernelRegistry.Choose(kernels), DepthwiseStageCases.Chosen[index], 100 + index);

    [Theory]
    [MemberData(nameof(RandomCases))]
    public void Training_agrees_with_float64_on_random_shapes(string kernels, int seed) =>
        CheckTraining(KernelRegistry.Choose(kernels), DepthwiseStageCases.Random(seed), seed);

    [Theory]
    [MemberData(nameof(ChosenCases))]
    public void Inference_and_its_backward_agree_with_float64_on_chosen_shapes(string kernels, int index) =>
        CheckFrozen(KernelRegistry.Choose(kernels), DepthwiseStageCases.Chosen[index], 200 + index);

    [Theory]
    [MemberData(nameof(RandomCases))]
    public void Inference_and_its_backward_agree_with_float64_on_random_shapes(string kernels, int seed) =>
        CheckFrozen(KernelRegistry.Choose(kernels), DepthwiseStageCases.Random(1000 + seed), 1000 + seed);

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_kernel_of_one_tap_on_one_image_is_the_batch_norm_worked_by_hand(string kernels)
    {
        // 2·(1, 2, 3, 6) = (2, 4, 6, 12): mean 6, variance (16 + 4 + 0 + 36)/4 = 14; epsilon 2 makes the deviation 4. Scale 8, shift 1.
        var shape = new DepthwiseStageShape(1, 1, 2, 2, 1, 1, Activation.ReLU);
        var data = new DepthwiseStageData(shape, 1, 2);
        new float[] { 1, 2, 3, 6 }.CopyTo(data.Input, 0);
        (data.Weights[0], data.NormWeight[0], data.NormBias[0], data.RunningMean[0], data.RunningVariance[0]) = (2, 8, 1, 10, 1);
        data.TrainForward(KernelRegistry.Choose(kernels));
        Assert.Equal([0, 0, 1, 13], data.Output);
        Assert.Equal(6, data.Mean[0], 1e-6);
        Assert.Equal(0.25, data.InverseStd[0], 1e-6);
        Assert.Equal((0.7 * 10) + (0.3 * 6), data.RunningMean[0], 1e-5);
        Assert.Equal((0.7 * 1) + (0.3 * 14 * 4 / 3), data.RunningVariance[0], 1e-5);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Every_thread_count_gives_the_same_bits(string kernels)
    {
        foreach (var (batch, channels, stride) in new[] { (20, 7, 1), (2, 50, 2), (3, 4, 1) })
        {
            var shape = new DepthwiseStageShape(batch, channels, 6, 7, 5, stride, Activation.HSwish);
            float[]? expected = null, expectedInference = null;
            foreach (var threads in new[] { 1, 2, 3, 8 })
            {
                var data = new DepthwiseStageData(shape, 5, 1e-5);
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
    public void Sixteen_callers_at_once_get_the_bits_of_one_alone(string kernels)
    {
        var shape = new DepthwiseStageShape(3, 20, 9, 8, 5, 2, Activation.HSwish);
        var alone = new DepthwiseStageData(shape, 3, 1e-5);
        alone.Infer(KernelRegistry.Choose(kernels));
        Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 16 }, _ =>
        {
            var data = new DepthwiseStageData(shape, 3, 1e-5);
            for (var i = 0; i < 5; i++) data.Infer(KernelRegistry.Choose(kernels), threads: 2);
            Assert.Equal(alone.Output, data.Output);
        });
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_mean_far_above_the_deviation_costs_no_digits_of_the_statistics(string kernels)
    {
        // What a kernel with a one in the middle gives is x itself, 3000 ± 0.5.
        var shape = new DepthwiseStageShape(20, 2, 8, 8, 3, 1, null);
        var data = new DepthwiseStageData(shape, 9, 1e-5);
        for (var i = 0; i < data.Input.Length; i++) data.Input[i] = 3000 + (data.Input[i] / 2);
        for (var c = 0; c < 2; c++) new float[] { 0, 0, 0, 0, 1, 0, 0, 0, 0 }.CopyTo(data.Weights, c * 9);
        var reference = new DepthwiseStageReference(shape, data);
        reference.Forward(data.Input64);
        data.TrainForward(KernelRegistry.Choose(kernels));
        for (var c = 0; c < 2; c++)
        {
            // The mean is stored as float32: half a unit in the last place of 3000 is 1.2e-4. The variance depends on it by its square
            // only.
            Assert.Equal(reference.Norm.Mean[c], data.Mean[c], 1.3e-4);
            var expected = 1 / Math.Sqrt(reference.Norm.Variance[c] + data.Epsilon);
            Assert.Equal(expected, data.InverseStd[c], 1e-6 * expected);
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Where_a_statistic_is_out_of_float32s_range_that_is_said_and_running_ones_stay(string kernels)
    {
        // Images in the lanes, and channels.
        foreach (var batch in new[] { 20, 2 })
        {
            foreach (var factor in new[] { 1e12f, 1e30f, 1e-20f, float.NaN, float.PositiveInfinity })
            {
                var data = new DepthwiseStageData(new(batch, 5, 6, 7, 3, 1, Activation.HSwish), 7, epsilon: 0);
                foreach (ref var weight in data.Weights.AsSpan(2 * 9, 9)) weight *= factor;
                var before = data.RunningMean.Concat(data.RunningVariance).ToArray();
                Assert.False(data.TryTrainForward(KernelRegistry.Choose(kernels)), $"{factor}");
                Assert.Equal(before, data.RunningMean.Concat(data.RunningVariance));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void NaN_in_an_image_comes_out_of_its_own_plane_only(string kernels)
    {
        foreach (var activation in Enum.GetValues<Activation>())
        {
            var shape = new DepthwiseStageShape(2, 20, 5, 5, 3, 1, activation);
            var data = new DepthwiseStageData(shape, 4, 1e-5);
            data.Input[(3 * 25) + 12] = float.NaN;
            data.Infer(KernelRegistry.Choose(kernels));
            for (var plane = 0; plane < 40; plane++)
            {
                Assert.Equal(plane == 3, data.Output.AsSpan(plane * 25, 25).ToArray().Any(float.IsNaN));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void What_an_earlier_call_left_in_scratch_is_not_read(string kernels)
    {
        // Infinities everywhere in the thread's scratch: 0 · ∞ would be NaN.
        var large = new DepthwiseStageData(new(16, 2, 20, 20, 3, 1, Activation.ReLU), 1, 1e-5);
        large.Input.AsSpan().Fill(float.PositiveInfinity);
        large.Infer(KernelRegistry.Choose(kernels));
        CheckTraining(KernelRegistry.Choose(kernels), new(17, 3, 7, 5, 5, 2, Activation.ReLU), 3);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_channel_of_a_large_tensor_comes_out_as_it_does_alone(string kernels)
    {
        // Over 8 MiB, from where memory is asked for ahead of its use. Every channel is computed by itself, so its bits are the same.
        var shape = new DepthwiseStageShape(16, 127, 32, 33, 3, 1, Activation.ReLU);
        var large = new DepthwiseStageData(shape, 6, 1e-5);
        var alone = new DepthwiseStageData(shape with { Channels = 1 }, 6, 1e-5);
        const int Channel = 126, Plane = 32 * 33;
        large.Weights.AsSpan(Channel * 9, 9).CopyTo(alone.Weights);
        (alone.NormWeight[0], alone.NormBias[0]) = (large.NormWeight[Channel], large.NormBias[Channel]);
        for (var n = 0; n < shape.Batch; n++)
        {
            large.Input.AsSpan(((n * shape.Channels) + Channel) * Plane, Plane).CopyTo(alone.Input.AsSpan(n * Plane));
        }

        large.TrainForward(KernelRegistry.Choose(kernels));
        alone.TrainForward(KernelRegistry.Choose(kernels));
        for (var n = 0; n < shape.Batch; n++)
        {
            Assert.True(
                large.Output.AsSpan(((n * shape.Channels) + Channel) * Plane, Plane).SequenceEqual(alone.Output.AsSpan(n * Plane, Plane)));
        }
    }

    [Fact]
    public void Bad_shapes_are_refused_by_name()
    {
        var good = new DepthwiseStageShape(2, 3, 4, 4, 5, 1, Activation.ReLU);
        good.ValidateForTraining();
        (good with { Activation = null }).ValidateForTraining();
        Refused(good with { Batch = 0 }, "batch");
        Refused(good with { Channels = -1 }, "channels");
        Refused(good with { Height = 0 }, "height");
        Refused(good with { Width = 9000 }, "width");
        Refused(good with { Kernel = 4 }, "kernel");
        Refused(good with { Kernel = 257 }, "kernel");
        Refused(good with { Stride = 3 }, "stride");
        Refused(good with { Activation = (Activation)7 }, "activation");
        Assert.Throws<ArgumentException>(() => (good with { Batch = 1, Height = 2, Width = 2, Stride = 2 }).ValidateForTraining());

        static void Refused(DepthwiseStageShape shape, string name) =>
            Assert.Equal(name, Assert.Throws<ArgumentOutOfRangeException>(shape.Validate).ParamName);
    }

    private static void CheckTraining(StageKernels kernels, DepthwiseStageShape shape, int seed)
    {
        var (data, reference, output) = DepthwiseStageCases.Draw(shape, seed);
        var before = (Mean: data.RunningMean.ToArray(), Variance: data.RunningVariance.ToArray());
        var inputGradient = reference.Backward(data.OutputGradient64);

        data.TrainForward(kernels);
        data.Backward(kernels);

        var norm = reference.Norm;
        double count = norm.ValuesPerChannel;
        Closeness.Check("output", output.Values, data.Output);
        Closeness.Check("mean", norm.Mean, data.Mean, Math.Sqrt(norm.Variance.Max()));
        Closeness.Check("inverse std", [.. norm.Variance.Select(v => 1 / Math.Sqrt(v + data.Epsilon))], data.InverseStd);
        Closeness.Check("running mean", [.. norm.Mean.Select((m, c) => (0.7 * before.Mean[c]) + (0.3 * m))], data.RunningMean,
            Math.Sqrt(norm.Variance.Max()));
        Closeness.Check("running variance",
            [.. norm.Variance.Select((v, c) => (0.7 * before.Variance[c]) + (0.3 * v * count / (count - 1)))], data.RunningVariance);
        CheckGradients(data, reference, inputGradient);
    }

    private static void CheckFrozen(StageKernels kernels, DepthwiseStageShape shape, int seed)
    {
        var (data, reference, output) = DepthwiseStageCases.Draw(shape, seed, frozen: true);
        var inputGradient = reference.Backward(data.OutputGradient64);
        data.FreezeStatistics();

        data.Infer(kernels);
        data.Backward(kernels, frozen: true);

        Closeness.Check("output", output.Values, data.Output);
        CheckGradients(data, reference, inputGradient);
    }

    private static void CheckGradients(DepthwiseStageData data, DepthwiseStageReference reference, Map64 inputGradient)
    {
        Closeness.Check("input gradient", inputGradient.Values, data.InputGradient);
        Closeness.Check("weight gradient", reference.WeightGradient, data.WeightGradient);
        Closeness.Check("BN weight gradient", reference.Norm.WeightGradient, data.NormWeightGradient);
        Closeness.Check("BN bias gradient", reference.Norm.BiasGradient, data.NormBiasGradient);
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
