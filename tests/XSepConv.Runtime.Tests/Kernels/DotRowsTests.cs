using System.Runtime.Intrinsics;
using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

public sealed unsafe class DotRowsTests
{
    public static TheoryData<int, int> Sizes =>
        new MatrixTheoryData<int, int>([1, 3, 4, 15, 16, 17, 33, 100], [1, 3, 4, 5, 8, 9, 16, 21]);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Products_are_those_of_float64_and_the_same_bits_in_any_tile(int inputs, int outputs)
    {
        if (Widths.AreTested("v512")) Check<Lanes512, Vector512<float>>(inputs, outputs);
        if (Widths.AreTested("v256")) Check<Lanes256, Vector256<float>>(inputs, outputs);
        if (Widths.AreTested("v128")) Check<Lanes128, Vector128<float>>(inputs, outputs);
        Check<LanesScalar, float>(inputs, outputs);
    }

    private static void Check<TLanes, TVector>(int inputs, int outputs)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        const int Rows = DotRows<TLanes, TVector>.Rows;
        var random = new Random(inputs + (100 * outputs));
        var (inputRow, toRow) = (inputs + 2, outputs + 3);
        AlignedFloats weights = new(inputs * outputs), input = new(inputRow * Rows), to = new(toRow * Rows), alone = new(toRow);
        for (var i = 0; i < weights.Length; i++) weights.Pointer[i] = (2 * random.NextSingle()) - 1;
        for (var i = 0; i < input.Length; i++) input.Pointer[i] = (2 * random.NextSingle()) - 1;
        for (var i = 0; i < to.Length; i++) to.Pointer[i] = 7;
        DotRows<TLanes, TVector>.Run(weights.Pointer, inputs, outputs, input.Pointer, inputRow, Rows, to.Pointer, toRow);
        for (var row = 0; row < Rows; row++)
        {
            DotRows<TLanes, TVector>.Run(weights.Pointer, inputs, outputs, input.Pointer + (row * inputRow), inputRow, 1, alone.Pointer, toRow);
            for (var output = 0; output < outputs; output++)
            {
                double sum = 0, size = 0;
                for (var i = 0; i < inputs; i++)
                {
                    var product = (double)weights.Pointer[(output * inputs) + i] * input.Pointer[(row * inputRow) + i];
                    (sum, size) = (sum + product, size + Math.Abs(product));
                }

                // A float32 sum is off by a rounding (6e-8) of what has come together, for each of its additions at most.
                var actual = to.Pointer[(row * toRow) + output];
                if (!(Math.Abs(actual - sum) <= 6e-8 * (inputs + 2) * size))
                {
                    Assert.Fail($"{typeof(TLanes).Name}, row {row}, output {output}: {actual} is not {sum}");
                }

                Assert.Equal(BitConverter.SingleToInt32Bits(alone.Pointer[output]), BitConverter.SingleToInt32Bits(actual));
            }

            Assert.Equal(7, to.Pointer[(row * toRow) + outputs]);
        }
    }
}
