using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace XSepConv;

/// <summary>A hash of each array of values in memory, in the order in which they are added.</summary>
/// <remarks>
/// <para>XXH3 of 64 bits, with a seed that every process draws anew.</para>
/// <para>libtorch counts changes only of those who ask it to: not of those who write through <c>bytes</c> or <c>data</c>, as our kernels
/// do, and TorchSharp's <c>load</c>. So what counts is what is there.</para>
/// </remarks>
/// <param name="arrays">How many there will be, with the numbers; more or fewer are right, too.</param>
internal sealed unsafe class WeightHash(int arrays)
{
    private static readonly long s_seed = Random.Shared.NextInt64();

    private readonly List<ulong> _hashes = new(arrays);

    /// <summary>Adds an array of float32.</summary>
    public void Add(float* values, long count)
    {
        var at = (byte*)values;
        var left = count * sizeof(float);
        do
        {
            var length = (int)Math.Min(left, int.MaxValue);
            _hashes.Add(XxHash3.HashToUInt64(new(at, length), s_seed));
            at += length;
            left -= length;
        }
        while (left > 0);
    }

    /// <summary>Adds a number.</summary>
    public void Add(ulong number) => _hashes.Add(number);

    public bool Equals(WeightHash other) =>
        CollectionsMarshal.AsSpan(_hashes).SequenceEqual(CollectionsMarshal.AsSpan(other._hashes));
}
