using System.Runtime.InteropServices;

namespace XSepConv.Runtime.Tests.Weights;

/// <summary>Weights of a byte each: by hand.</summary>
public sealed class Int8WeightsTests
{
    // Rows: 127 · 0.5 is its largest, ties go to the even integer; a power of two, whose scale F32 rounds; nothing; a negative largest.
    private static readonly float[] Values =
    [
        63.5f, 0.25f, 0.75f, -1.25f, -63.5f,
        2, 1, -0.5f, 0.007f, 0.008f,
        0, -0f, 0, 0, 0,
        -12.7f, 12.65f, 0.05f, 0, 6.35f,
    ];

    [Fact]
    public void A_row_is_divided_by_its_scale_and_rounded_to_the_nearest_even()
    {
        SafeTensor[] stored = [.. Int8Weights.Of(Tensor("a.weight", [4, 5], Values))];
        Assert.Equal(2, stored.Length);
        Assert.Equal(("a.weight", SafeTensorType.I8), (stored[0].Name, stored[0].Type));
        Assert.Equal([4, 5], stored[0].Shape);
        Assert.Equal(
            [
                127, 0, 2, -2, -127, // 0.5, 1.5 and -2.5 are ties
                127, 64, -32, 0, 1, // 63.5 is one; 0.4445 and 0.508
                0, 0, 0, 0, 0,
                -127, 126, 0, 0, 63, // 0.1 as F32 has it is a little more: 126.49999, a tie, 63.499998
            ],
            MemoryMarshal.Cast<byte, sbyte>(stored[0].Data.Span).ToArray());
        Assert.Equal(("a.weight_scale", SafeTensorType.F32), (stored[1].Name, stored[1].Type));
        Assert.Equal([4, 1], stored[1].Shape);
        Assert.Equal([0.5f, 2 / 127f, 1.17549435e-38f, 12.7f / 127], MemoryMarshal.Cast<byte, float>(stored[1].Data.Span).ToArray());
    }

    [Fact]
    public void A_value_is_integer_times_scale_and_half_a_scale_off_at_most()
    {
        var random = new Random(5);
        float[] values = [.. Enumerable.Range(0, 6 * 50).Select(i => (float)((random.NextDouble() - 0.5) * Math.Pow(10, i / 50)))];
        SafeTensor[] stored = [.. Int8Weights.Of(Tensor("w", [6, 50, 1, 1], values))];
        Assert.Equal([6, 1, 1, 1], stored[1].Shape);
        var scales = Array.ConvertAll(MemoryMarshal.Cast<byte, float>(stored[1].Data.Span).ToArray(), scale => (double)scale);
        var read = Int8Weights.Read(stored[0].Data.Span, scales);
        for (var i = 0; i < values.Length; i++)
        {
            Assert.Equal((sbyte)stored[0].Data.Span[i] * scales[i / 50], read[i]);
            Assert.True(Math.Abs(read[i] - values[i]) <= scales[i / 50] / 2 * (1 + 1e-9));
        }
    }

    [Theory]
    [InlineData(true, 8, 5)]
    [InlineData(true, 8, 5, 1, 1)]
    [InlineData(true, 0, 5)]
    [InlineData(false, 8, 4)]
    [InlineData(false, 8)]
    [InlineData(false)]
    [InlineData(false, 8, 8, 3, 3)]
    [InlineData(false, 8, 8, 1, 3)]
    [InlineData(false, 8, 1, 1, 1)]
    public void Matrices_and_1x1_convolutions_become_bytes_where_that_is_less(bool expected, params int[] shape)
    {
        var tensor = Tensor("w", [.. shape.Select(size => (long)size)], new float[shape.Aggregate(1, (count, size) => count * size)]);
        Assert.Equal(expected, Int8Weights.IsFor(tensor));
    }

    [Theory]
    [InlineData(float.NaN, "'w' has NaN at 6, and INT8 holds finite numbers up to 3.40282E+38.")]
    [InlineData(float.NegativeInfinity, "'w' has -Infinity at 6, and INT8 holds finite numbers up to 3.40282E+38.")]
    [InlineData(float.MaxValue, "'w' has 3.40282E+38 at 6, and INT8 holds finite numbers up to 3.40282E+38.")]
    [InlineData(1e-36f, "'w' goes to 1E-36, and INT8 has all of its digits only from 1.49288E-36 on.")]
    [InlineData(3.4e38f, null)]
    [InlineData(1.5e-36f, null)]
    [InlineData(0f, null)]
    public void What_a_scale_can_t_hold_is_refused_by_name(float value, string? refusal)
    {
        var values = new float[10];
        values[6] = value;
        var tensor = Tensor("w", [2, 5], values);
        if (refusal is not null)
        {
            Assert.Equal(refusal, Assert.Throws<InvalidDataException>(() => Int8Weights.Of(tensor)).Message);
            return;
        }

        SafeTensor[] stored = [.. Int8Weights.Of(tensor)];
        var scales = Array.ConvertAll(MemoryMarshal.Cast<byte, float>(stored[1].Data.Span).ToArray(), scale => (double)scale);
        var read = (float)Int8Weights.Read(stored[0].Data.Span, scales)[6];
        Assert.Equal(value, read, Math.Abs(value) * 1e-6);
    }

    private static SafeTensor Tensor(string name, long[] shape, float[] values) =>
        new(name, SafeTensorType.F32, [.. shape], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
}
