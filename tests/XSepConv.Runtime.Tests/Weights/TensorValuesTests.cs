using System.Buffers.Binary;

namespace XSepConv.Runtime.Tests.Weights;

/// <summary>Rounding to the nearest, ties to even, worked by hand: BF16 has 8 digits and float32's exponents, F16 has 11 digits.</summary>
public sealed class TensorValuesTests
{
    private const double One = 1, Tiny = 1d / (1L << 40);

    [Theory]
    [InlineData(0x3F80, One)]
    [InlineData(0x3F80, One + (1 / 256d))] // halfway to the next, which is odd
    [InlineData(0x3F81, One + (1 / 256d) + Tiny)] // float32 would be the same halfway
    [InlineData(0x3F82, One + (3 / 256d))] // halfway, up to the even one
    [InlineData(0x3F81, One + (3 / 256d) - Tiny)]
    [InlineData(0xBF81, -One - (1 / 256d) - Tiny)]
    [InlineData(0x4000, 2 - (1 / 256d))] // into the next exponent
    [InlineData(0x0000, 0)]
    [InlineData(0x8000, -0d)]
    [InlineData(0x0001, 9.183549615799121e-41)] // 2⁻¹³³, the smallest
    [InlineData(0x0000, 4.591774807899561e-41)] // half of it, a tie
    [InlineData(0x7F7F, 3.3895313892515355e38)] // (2 − 2⁻⁷) · 2¹²⁷, the largest
    [InlineData(0x7F80, 3.3961775292304957e38)] // halfway beyond
    [InlineData(0x7F80, double.PositiveInfinity)]
    [InlineData(0xFF80, double.NegativeInfinity)]
    public void To_BF16(int bits, double value) => Assert.Equal(bits, Bits(SafeTensorType.BF16, value));

    [Theory]
    [InlineData(0x3C00, One)]
    [InlineData(0x3C00, One + (1 / 2048d))]
    [InlineData(0x3C01, One + (1 / 2048d) + Tiny)]
    [InlineData(0x3C02, One + (3 / 2048d))]
    [InlineData(0x0000, 1d / (1 << 25))] // half of the smallest, a tie
    [InlineData(0x0001, (1d / (1 << 25)) + Tiny)]
    [InlineData(0x0002, 3d / (1 << 25))]
    [InlineData(0x8000, -0d)]
    [InlineData(0x7BFF, 65519.99)]
    [InlineData(0x7C00, 65520)]
    [InlineData(0xFC00, -65520)]
    public void To_F16(int bits, double value) => Assert.Equal(bits, Bits(SafeTensorType.F16, value));

    [Fact]
    public void NaN_stays_NaN_wherever_its_bits_are()
    {
        foreach (var bits in new[] { 0x7F80_0001, 0x7FC0_0000, 0x7FFF_FFFF, unchecked((int)0xFF80_0001) })
        {
            foreach (var type in new[] { SafeTensorType.BF16, SafeTensorType.F16, SafeTensorType.F32, SafeTensorType.F64 })
            {
                Assert.True(double.IsNaN(TensorValues.Read(type, TensorValues.Write(type, [BitConverter.Int32BitsToSingle(bits)]))[0]));
            }
        }
    }

    [Fact]
    public void What_a_type_holds_it_gives_back()
    {
        foreach (var type in new[] { SafeTensorType.BF16, SafeTensorType.F16 })
        {
            for (var bits = 0; bits <= ushort.MaxValue; bits++)
            {
                var bytes = BitConverter.GetBytes((ushort)bits);
                var value = TensorValues.Read(type, bytes);
                if (!double.IsNaN(value[0])) Assert.Equal(bytes, TensorValues.Write(type, value));
            }
        }
    }

    private static int Bits(SafeTensorType type, double value) => BinaryPrimitives.ReadUInt16LittleEndian(TensorValues.Write(type, [value]));
}
