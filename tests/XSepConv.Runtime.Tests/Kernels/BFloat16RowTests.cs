using System.Runtime.Intrinsics;
using XSepConv.Inference;
using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

public sealed unsafe class BFloat16RowTests
{
    // Odd numbers of inputs leave half a lane empty; one vector, a group, two groups and what is left of a third.
    public static TheoryData<int, int> Sizes =>
        new MatrixTheoryData<int, int>([1, 2, 3, 7, 16, 33, 100], [1, 3, 4, 8, 9, 17, 33, 64, 65, 128, 150]);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Products_are_those_of_float64_and_the_same_bits_in_any_tile(int inputs, int outputs)
    {
        Check<Lanes512, Vector512<float>>(inputs, outputs);
        Check<Lanes256, Vector256<float>>(inputs, outputs);
        Check<Lanes128, Vector128<float>>(inputs, outputs);
        Check<LanesScalar, float>(inputs, outputs);
    }

    private static void Check<TLanes, TVector>(int inputs, int outputs)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        var random = new Random(inputs + (100 * outputs));
        var memory = new WeightMemory(TLanes.Count);
        var layer = new FoldedLayer(outputs, inputs, Draw(outputs * inputs, narrow: true), Draw(outputs)) { Scale = Draw(outputs) };
        var packed = new PackedLinear(layer, memory);
        Assert.True(packed.IsBFloat16);
        Assert.Equal(packed.Blocks * TLanes.Count * (((inputs + 1) / 2) + 2L), memory.Floats);

        const int Rows = RowTiles<TLanes, TVector>.MaxRows;
        var (inputRow, outputRow) = (inputs + 2, packed.Blocks * TLanes.Count);
        AlignedFloats input = new(inputRow * Rows), all = new(outputRow * Rows), alone = new(outputRow);
        for (var i = 0; i < input.Length; i++) input.Pointer[i] = (2 * random.NextSingle()) - 1;
        var groupFloats = PackedLinear.GroupVectors * TLanes.Count;
        for (var rows = 1; rows <= Rows; rows++)
        {
            for (var group = 0; group < packed.Groups; group++)
            {
                LinearRows<TLanes, TVector>.Run(
                    packed, group, input.Pointer, inputRow, all.Pointer + (group * groupFloats), outputRow, rows, TileActivation.ReLU);
            }

            for (var row = 0; row < rows; row++)
            {
                for (var group = 0; group < packed.Groups;)
                {
                    group = LinearRows<TLanes, TVector>.RunRow(
                        packed, group, packed.Groups, input.Pointer + (row * inputRow), alone.Pointer + (group * groupFloats), TileActivation.ReLU);
                }

                for (var output = 0; output < outputs; output++)
                {
                    double sum = 0, size = 0;
                    for (var i = 0; i < inputs; i++)
                    {
                        var product = (double)layer.Weights[(output * inputs) + i] * input.Pointer[(row * inputRow) + i];
                        (sum, size) = (sum + product, size + Math.Abs(product));
                    }

                    // A float32 sum is off by a rounding (6e-8) of what has come together, for each of its additions at most.
                    var expected = Math.Max(0, (sum * layer.Scale[output]) + layer.Bias[output]);
                    var bound = 6e-8 * (inputs + 3) * ((size * Math.Abs(layer.Scale[output])) + Math.Abs(layer.Bias[output]));
                    var actual = all.Pointer[(row * outputRow) + output];
                    Assert.True(Math.Abs(actual - expected) <= bound, $"{typeof(TLanes).Name}, row {row}, output {output}: {actual} is not {expected}");
                    Assert.Equal(BitConverter.SingleToInt32Bits(alone.Pointer[output]), BitConverter.SingleToInt32Bits(actual));
                }
            }
        }

        float[] Draw(int count, bool narrow = false)
        {
            var values = new float[count];
            foreach (ref var value in values.AsSpan())
            {
                value = (2 * random.NextSingle()) - 1;
                if (narrow) value = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF_0000);
            }

            return values;
        }
    }
}
