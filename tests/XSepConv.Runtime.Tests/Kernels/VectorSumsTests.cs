using System.Runtime.Intrinsics;
using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Maps of equal values, as white or letterboxed pictures give: each addition in a row rounds the same way.</summary>
public sealed unsafe class VectorSumsTests
{
    // Few additions in a row, then of halves: at most so many roundings of 6e-8 on the way of any value.
    private const double Tolerance = 2e-6;

    // Sums that a loop makes beside its results are of two levels: a term goes through at most a line's additions and one for each line
    // before it is part of the whole, and through some forty operations before. Each rounds by 6e-8 at most.
    private const int Side = 512;
    private const float PlaneTolerance = ((2 * Side) + 40) * 6e-8f;

    public static TheoryData<int, float> Maps =>
        new MatrixTheoryData<int, float>([1, 3, 64, 65, 1023, 56 * 56, 256 * 256, 1024 * 1024], [0.1f, 1.3f]);

    [Theory]
    [MemberData(nameof(Maps))]
    public void The_mean_of_equal_values_is_the_value(int pixels, float value)
    {
        if (Widths.AreTested("v512")) Check<Lanes512, Vector512<float>>(pixels, value);
        if (Widths.AreTested("v256")) Check<Lanes256, Vector256<float>>(pixels, value);
        if (Widths.AreTested("v128")) Check<Lanes128, Vector128<float>>(pixels, value);
        Check<LanesScalar, float>(pixels, value);
    }

    // Statistics are given, all values and gradients positive: every sum grows from its first term to its last.
    [Theory]
    [InlineData(3, 1)]
    [InlineData(9, 1)]
    [InlineData(11, 1)]
    [InlineData(3, 2)]
    public void A_stage_sums_equal_gradients_as_float64_does(int kernel, int stride)
    {
        var shape = new XSepStageShape(1, 1, Side, Side, kernel, stride, PaddingDirection.LeftTop, Activation.ReLU);
        var data = new XSepStageData(shape with { ActivateOutput = kernel > 3 }, 1, 0.1);
        data.Input.AsSpan().Fill(0.7f);
        data.OutputGradient.AsSpan().Fill(0.1f);
        foreach (var weights in new[] { data.TwoByTwo, data.Horizontal, data.Vertical }) weights.AsSpan().Fill(0.9f / weights.Length);
        for (var i = 0; i < 3; i++)
        {
            data.NormWeights[i][0] = 1.1f;
            data.NormBiases[i][0] = 0.2f;
            data.RunningMeans[i][0] = 0;
            data.RunningVariances[i][0] = 1;
        }

        var reference = new XSepStageReference(data.Shape, data);
        foreach (var norm in reference.Norms) (norm.Frozen, norm.Mean, norm.Variance) = (true, [0], [1]);
        reference.Forward(data.Input64);
        reference.Backward(data.OutputGradient64);
        data.FreezeStatistics();
        foreach (var kernels in KernelRegistry.Accelerated)
        {
            data.Backward(kernels, frozen: true);
            Near(kernels.Name, "2×2", reference.TwoByTwoGradient, data.TwoByTwoGradient);
            Near(kernels.Name, "1×K", reference.HorizontalGradient, data.HorizontalGradient);
            Near(kernels.Name, "K×1", reference.VerticalGradient, data.VerticalGradient);
            for (var i = 0; i < 3; i++)
            {
                Near(kernels.Name, $"BN weight {i}", reference.Norms[i].WeightGradient, data.NormWeightGradients[i]);
                Near(kernels.Name, $"BN bias {i}", reference.Norms[i].BiasGradient, data.NormBiasGradients[i]);
            }
        }
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(3, 2)]
    public void A_depthwise_stage_sums_equal_gradients_as_float64_does(int kernel, int stride)
    {
        var data = Depthwise(kernel, stride, Activation.ReLU);
        data.Input.AsSpan().Fill(0.7f);
        data.Weights.AsSpan().Fill(0.9f / data.Weights.Length);
        var reference = new DepthwiseStageReference(data.Shape, data);
        reference.Freeze(data.RunningMean, data.RunningVariance);
        reference.Forward(data.Input64);
        reference.Backward(data.OutputGradient64);
        data.FreezeStatistics();
        foreach (var kernels in KernelRegistry.Accelerated)
        {
            data.Backward(kernels, frozen: true);
            Near(kernels.Name, "K×K", reference.WeightGradient, data.WeightGradient);
            Near(kernels.Name, "BN weight", reference.Norm.WeightGradient, data.NormWeightGradient);
            Near(kernels.Name, "BN bias", reference.Norm.BiasGradient, data.NormBiasGradient);
        }
    }

    // A batch norm takes the mean off its gradients: nothing is left of equal ones.
    [Fact]
    public void Equal_gradients_end_at_a_batch_norm()
    {
        var data = Depthwise(kernel: 1, stride: 1, null);
        for (var i = 0; i < data.Input.Length; i++) data.Input[i] = i % 2 == 0 ? 1 : -1;
        data.Weights[0] = 1;
        foreach (var kernels in KernelRegistry.Accelerated)
        {
            data.TrainForward(kernels);
            data.Backward(kernels);
            var passed = data.OutputGradient[0] * data.NormWeight[0] * data.InverseStd[0];
            var left = data.InputGradient.Max(gradient => Math.Abs(gradient)) / passed;
            Assert.True(left <= PlaneTolerance, $"{kernels.Name}: {left:E1} is left");
        }
    }

    private static DepthwiseStageData Depthwise(int kernel, int stride, Activation? activation)
    {
        var data = new DepthwiseStageData(new(1, 1, Side, Side, kernel, stride, activation), 1, 0.1);
        data.OutputGradient.AsSpan().Fill(0.1f);
        (data.NormWeight[0], data.NormBias[0], data.RunningMean[0], data.RunningVariance[0]) = (1.1f, 0.2f, 0, 1);
        return data;
    }

    private static void Near(string kernels, string name, Sum64 expected, float[] actual)
    {
        for (var i = 0; i < actual.Length; i++)
        {
            var error = (actual[i] / expected.Values[i]) - 1;
            Assert.True(Math.Abs(error) <= PlaneTolerance, $"{kernels}, {name}[{i}]: off by {error:E1} of {expected.Values[i]}");
        }
    }

    private static void Check<TLanes, TVector>(int pixels, float value)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        const int Piece = 252;
        var lanes = TLanes.Count;
        AlignedFloats values = new((long)pixels * lanes), sum = new(lanes), pieces = new(lanes), lost = new(lanes), record = new(3 * lanes);
        new Span<float>(values.Pointer, pixels * lanes).Fill(value);
        VectorSums<TLanes, TVector>.Sum(sum.Pointer, values.Pointer, pixels);
        for (var pixel = 0; pixel < pixels; pixel += Piece)
        {
            VectorSums<TLanes, TVector>.AddTo(
                pieces.Pointer, lost.Pointer, values.Pointer + ((nint)pixel * lanes), Math.Min(Piece, pixels - pixel));
        }

        // Half above the mean and half below it: the mean is a multiple of the value that float32 holds, the squares are all alike.
        for (var pixel = 0; pixel < pixels; pixel++)
        {
            new Span<float>(values.Pointer + ((nint)pixel * lanes), lanes).Fill(pixel % 2 == 0 ? value : -value);
        }

        var zero = new AlignedFloats(lanes);
        NormStatistics<TLanes, TVector>.Measure(values.Pointer, pixels, zero.Pointer, record.Pointer);
        GC.KeepAlive((values, zero));
        for (var lane = 0; lane < lanes; lane++)
        {
            Near(value * (double)pixels, sum.Pointer[lane]);
            Near(value * (double)pixels, pieces.Pointer[lane]);
            Near((double)value * value * pixels, record.Pointer[(2 * lanes) + lane]);
        }

        void Near(double expected, float actual) => Assert.True(
            Math.Abs(actual - expected) <= Tolerance * expected, $"{typeof(TLanes).Name}: {actual} is not {expected}");
    }
}
