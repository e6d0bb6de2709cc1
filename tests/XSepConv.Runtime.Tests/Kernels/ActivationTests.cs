using System.Runtime.Intrinsics;
using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>
/// Each nonlinearity in each width against float64 formulas, from the smallest numbers to those that float32 hardly holds.
/// </summary>
public sealed class ActivationTests
{
    // 2⁻²⁴, a rounding.
    private const double Rounding = 1.0 / (1 << 24);

    // Below, SiLU is 0 here and at most 87 · e⁻⁸⁷ in truth.
    private const double Nothing = 2e-36;

    private static readonly float[] Ends = [0, 1e-38f, 1e-30f, 1e-7f, 86.9f, 87.1f, 88, 88.5f, 90, 104, 1e3f, 1e10f, 1e30f, float.MaxValue];

    // Of values to one: fewer in debug, where each access is looked at.
#if DEBUG
    private const int Steps = 60;
#else
    private const int Steps = 600;
#endif

    public static TheoryData<Activation> Activations => [.. Enum.GetValues<Activation>()];

    [Theory]
    [MemberData(nameof(Activations))]
    public void Values_and_gradients_are_those_of_float64(Activation activation)
    {
        var grid = Enumerable.Range(-100 * Steps, (200 * Steps) + 1).Select(i => i / (float)Steps);
        float[] values = [.. grid, .. Ends, .. Ends.Select(z => -z)];
        foreach (
            var (z, value, backward, slope) in values.SelectMany(
                z => InEveryWidth(activation, z).Select(result => (z, result.Value, result.Backward, result.Slope))))
        {
            var (expected, expectedSlope) = Exact(activation, z);
            // hswish's gate may be off by a rounding of 1/2 on its way to 0, SiLU's exponential and its quotient by four roundings.
            var allowed = (5 * Rounding * Math.Abs(expected)) + (
                activation == Activation.HSwish && Math.Abs(z) < 4 ? 4 * Rounding : Nothing);
            var isRight = Math.Abs(value - expected) <= allowed && Math.Abs(backward - expected) <= allowed
                && Math.Abs(slope - expectedSlope) <= 12 * Rounding;
            if (isRight) continue;
            Assert.Fail($"{activation}({z}) is {value}, {backward} in backward and {slope} steep, not {expected} and {expectedSlope}");
        }
    }

    [Theory]
    [MemberData(nameof(Activations))]
    public void What_is_no_number_stays_so(Activation activation)
    {
        Assert.All(InEveryWidth(activation, float.NaN), result => Assert.True(float.IsNaN(result.Value)));
        Assert.All(InEveryWidth(activation, float.PositiveInfinity), result =>
            Assert.Equal(activation == Activation.ReLU6 ? 6 : float.PositiveInfinity, result.Value));
    }

    [Fact]
    public void Vectors_of_different_lanes_are_the_same_function_in_each()
    {
        float[] values = [-100, -3, -0.5f, 0, 1e-20f, 2, 5.9f, 6.1f, 88, -88, -1e30f, 1e30f, 0.1f, -7, 42, -42];
        var whole = new float[16];
        Run<Lanes512, Vector512<float>>(values, whole);
        for (var i = 0; i < values.Length; i++)
        {
            var single = new float[16];
            Run<Lanes512, Vector512<float>>([.. Enumerable.Repeat(values[i], 16)], single);
            Assert.All(single, value => Assert.Equal(whole[i], value));
        }

        static unsafe void Run<TLanes, TVector>(float[] values, float[] results)
            where TLanes : struct, ILanes<TVector>
            where TVector : unmanaged
        {
            fixed (float* x = values, y = results)
            {
                using var memory = new CallMemory();
                memory.Add(x, values.Length);
                memory.Add(y, results.Length);
                TLanes.Store(y, SiluActivation.Apply<TLanes, TVector>(TLanes.Load(x)));
            }
        }
    }

    private static (double Value, double Slope) Exact(Activation activation, double z)
    {
        var sigmoid = 1 / (1 + Math.Exp(-z));
        return activation switch
        {
            Activation.ReLU => (Math.Max(z, 0), z > 0 ? 1 : 0),
            Activation.HSwish => z <= -3 ? (0, 0) : z >= 3 ? (z, 1) : (z * (z + 3) / 6, (z / 3) + 0.5),
            Activation.ReLU6 => (Math.Clamp(z, 0, 6), z is > 0 and < 6 ? 1 : 0),
            Activation.SiLU => (z * sigmoid, sigmoid + (z * sigmoid / (1 + Math.Exp(z)))),
            _ => throw new InvalidOperationException($"{activation}"),
        };
    }

    private static readonly Width[] s_widths =
        [.. Enum.GetValues<Width>().Where(width => width == Width.Scalar || Widths.AreTested(width.ToString().ToLowerInvariant()))];

    private static IEnumerable<(float Value, float Backward, float Slope)> InEveryWidth(Activation activation, float z)
    {
        foreach (var width in s_widths)
        {
            var results = new float[3];
            ActivationTypes.Run(activation, new Call(width, z, results));
            yield return (results[0], results[1], results[2]);
        }
    }

    private enum Width
    {
        Scalar,
        V128,
        V256,
        V512,
    }

    private readonly struct Call(Width width, float z, float[] results) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            switch (width)
            {
                case Width.Scalar: Run<TActivation, LanesScalar, float>(); break;
                case Width.V128: Run<TActivation, Lanes128, Vector128<float>>(); break;
                case Width.V256: Run<TActivation, Lanes256, Vector256<float>>(); break;
                default: Run<TActivation, Lanes512, Vector512<float>>(); break;
            }
        }

        private void Run<TActivation, TLanes, TVector>()
            where TActivation : struct, IActivation
            where TLanes : struct, ILanes<TVector>
            where TVector : unmanaged
        {
            results[0] = First<TLanes, TVector>(TActivation.Apply<TLanes, TVector>(TLanes.Splat(z)));
            var slope = TActivation.Backward<TLanes, TVector>(TLanes.Splat(z), TLanes.Splat(1), out var value);
            (results[1], results[2]) = (First<TLanes, TVector>(value), First<TLanes, TVector>(slope));
        }

        private static unsafe float First<TLanes, TVector>(TVector vector)
            where TLanes : struct, ILanes<TVector>
            where TVector : unmanaged
        {
            var values = stackalloc float[16];
            using var memory = new CallMemory();
            memory.Add(values, 16);
            TLanes.Store(values, vector);
            return values[0];
        }
    }
}
