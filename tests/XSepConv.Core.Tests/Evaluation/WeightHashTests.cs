namespace XSepConv.Core.Tests.Evaluation;

public sealed unsafe class WeightHashTests
{
    public static TheoryData<int> Lengths => [1, 2, 3, 7, 8, 31, 32, 33, 64, 100, 1023, 1024, 1025, 3000];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Equal_values_have_equal_hashes_wherever_they_lie(int length)
    {
        var values = Draw(length);
        var moved = new float[length + 1];
        values.CopyTo(moved, 1);
        fixed (float* there = &moved[1])
        {
            var hash = new WeightHash(1);
            hash.Add(there, length);
            Assert.True(Hash(values).Equals(hash));
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Any_bit_of_any_value_counts(int length)
    {
        var values = Draw(length);
        var before = Hash(values);
        var places = length <= 100 ? Enumerable.Range(0, length) : Enumerable.Range(0, 50).Select(i => (int)((long)i * (length - 1) / 49));
        foreach (var place in places)
        {
            for (var bit = 0; bit < 32; bit++)
            {
                var held = values[place];
                values[place] = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(held) ^ (1u << bit));
                Assert.False(before.Equals(Hash(values)), $"bit {bit} of value {place}");
                values[place] = held;
            }
        }
    }

    // What sums, and products with odd numbers, lose: two changes of the highest bit, values exchanged, all of them negated.
    [Theory]
    [MemberData(nameof(Lengths))]
    public void So_do_changes_with_a_pattern(int length)
    {
        if (length < 2) return;
        var values = Draw(length);
        var before = Hash(values);
        foreach (var apart in new[] { 1, 2, 8, 16, 32, 64, 1024, 2048 }.Where(apart => apart < length))
        {
            var negated = values.ToArray();
            (negated[0], negated[apart]) = (-negated[0], -negated[apart]);
            Assert.False(before.Equals(Hash(negated)), $"signs {apart} apart");
            var exchanged = values.ToArray();
            (exchanged[0], exchanged[apart]) = (exchanged[apart], exchanged[0]);
            Assert.False(before.Equals(Hash(exchanged)), $"exchanged {apart} apart");
        }

        Assert.False(before.Equals(Hash(Array.ConvertAll(values, value => -value))));
        Assert.False(before.Equals(Hash([.. values.Reverse()])));
        Assert.False(Hash(new float[length]).Equals(Hash(Array.ConvertAll(new float[length], _ => -0f))));
    }

    [Fact]
    public void Arrays_count_in_their_order_and_zeros_too()
    {
        var (first, second) = (Draw(5), Draw(40)[..5]);
        Assert.False(Hash(first, second).Equals(Hash(second, first)));
        Assert.False(Hash(first, new float[64]).Equals(Hash(first)));
        Assert.False(Hash(first, new float[64]).Equals(Hash(first, new float[96])));
        var (left, right) = (new WeightHash(1), new WeightHash(1));
        left.Add(5);
        right.Add(4);
        Assert.False(left.Equals(right));
    }

    private static float[] Draw(int length)
    {
        var random = new Random(length);
        return [.. Enumerable.Range(0, length).Select(_ => (2 * random.NextSingle()) - 1)];
    }

    private static WeightHash Hash(params float[][] arrays)
    {
        var hash = new WeightHash(arrays.Length);
        foreach (var values in arrays)
        {
            fixed (float* start = values) hash.Add(start, values.Length);
        }

        return hash;
    }
}
