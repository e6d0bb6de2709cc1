using System.Runtime.Intrinsics;
using XSepConv.Inference;
using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

public sealed unsafe class NarrowRowTests
{
    // Odd numbers of inputs leave half a lane of BF16 empty; one vector, a group, two groups and what is left of a third.
    public static TheoryData<int, int> Sizes =>
        new MatrixTheoryData<int, int>([1, 2, 3, 7, 16, 33, 100], [1, 3, 4, 8, 9, 17, 33, 64, 65, 128, 150]);

    [Fact]
    public void Weights_take_as_many_bytes_as_their_format_has()
    {
        // 65 outputs fill 5 vectors; two of 7 inputs share a lane in BF16.
        const int Inputs = 7, Filled = 80;
        Assert.Equal(Filled * Inputs * 4, Bytes(WeightFormat.Float32));
        Assert.Equal(Filled * 4 * 4, Bytes(WeightFormat.BFloat16));
        Assert.Equal(Filled * Inputs, Bytes(WeightFormat.Int8));

        static long Bytes(WeightFormat format)
        {
            var memory = new WeightMemory(Lanes512.Count);
            _ = new PackedLinear(new(65, Inputs, new float[65 * Inputs], new float[65]) { Format = format }, memory);
            return (memory.Floats - Filled) * sizeof(float);
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Products_are_those_of_float64_and_the_same_bits_in_any_tile(int inputs, int outputs)
    {
        foreach (var format in new[] { WeightFormat.BFloat16, WeightFormat.Int8 })
        {
            if (Widths.AreTested("v512")) Check<Lanes512, Vector512<float>>(format, inputs, outputs);
            if (Widths.AreTested("v256")) Check<Lanes256, Vector256<float>>(format, inputs, outputs);
            if (Widths.AreTested("v128")) Check<Lanes128, Vector128<float>>(format, inputs, outputs);
            Check<LanesScalar, float>(format, inputs, outputs);
        }
    }

    private static void Check<TLanes, TVector>(WeightFormat format, int inputs, int outputs)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        var random = new Random(inputs + (100 * outputs));
        var memory = new WeightMemory(TLanes.Count);
        var weights = format == WeightFormat.Int8 ? Integers(outputs * inputs) : Draw(outputs * inputs, narrow: true);
        var layer = new FoldedLayer(outputs, inputs, weights, Draw(outputs)) { Format = format, Scale = Draw(outputs) };
        var packed = new PackedLinear(layer, memory);

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
                    if (!(Math.Abs(actual - expected) <= bound))
                    {
                        Assert.Fail($"{typeof(TLanes).Name}, {format}, row {row}, output {output}: {actual} is not {expected}");
                    }

                    Assert.Equal(BitConverter.SingleToInt32Bits(alone.Pointer[output]), BitConverter.SingleToInt32Bits(actual));
                }
            }
        }

        // All that a byte holds, both ends among them.
        float[] Integers(int count) => [.. Enumerable.Range(0, count).Select(i => i == 0 ? -128f : random.Next(-128, 128))];

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
