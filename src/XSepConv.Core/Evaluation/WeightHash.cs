using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace XSepConv;

/// <summary>A hash of values in memory, in the order in which they are added.</summary>
/// <remarks>
/// <para>As XXH3's inner loop, with a key that every process draws anew: word + key, halves multiplied, the word itself added, in 16 sums
/// of 64 bits that are mixed every 4 KiB. A change is missed with a chance of about 2⁻³² at most, whatever its pattern, with 2⁻⁶⁴ where it
/// is of one word, and with less the more words the values have.</para>
/// <para>libtorch counts changes only of those who ask it to: not of those who write through <c>bytes</c> or <c>data</c>, as our kernels
/// do, and TorchSharp's <c>load</c>. So what counts is what is there.</para>
/// </remarks>
internal sealed unsafe class WeightHash
{
    private const int Sums = 4;
    private const int StepBytes = Sums * 32;
    private const int BlockBytes = 32 * StepBytes;

    private static readonly ulong[] s_key = DrawKey();

    private readonly ulong[] _sums = new ulong[StepBytes / sizeof(ulong)];

    /// <summary>Adds an array of float32.</summary>
    public void Add(float* values, long count)
    {
        var at = (byte*)values;
        var bytes = count * sizeof(float);
        for (; bytes >= BlockBytes; at += BlockBytes, bytes -= BlockBytes) AddSteps(at, BlockBytes / StepBytes);
        var steps = (int)(bytes / StepBytes);
        if (steps > 0) AddSteps(at, steps);
        var left = (int)(bytes % StepBytes);
        if (left == 0) return;
        var last = stackalloc byte[StepBytes];
        new Span<byte>(last, StepBytes).Clear();
        Buffer.MemoryCopy(at + ((long)steps * StepBytes), last, StepBytes, left);
        AddSteps(last, 1);
    }

    /// <summary>Adds a number.</summary>
    public void Add(double value) => Add((float*)&value, sizeof(double) / sizeof(float));

    public bool Equals(WeightHash other) => _sums.AsSpan().SequenceEqual(other._sums);

    private static ulong[] DrawKey()
    {
        var key = new ulong[BlockBytes / sizeof(ulong)];
        System.Security.Cryptography.RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(key.AsSpan()));
        return key;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddSteps(byte* at, int steps)
    {
        fixed (ulong* key = s_key, sums = _sums)
        {
            var (sum0, sum1) = (Vector256.Load(sums), Vector256.Load(sums + 4));
            var (sum2, sum3) = (Vector256.Load(sums + 8), Vector256.Load(sums + 12));
            for (var step = 0; step < steps; step++, at += StepBytes)
            {
                var words = (ulong*)at;
                var keys = key + (step * (StepBytes / sizeof(ulong)));
                sum0 += Product(Vector256.Load(words), Vector256.Load(keys));
                sum1 += Product(Vector256.Load(words + 4), Vector256.Load(keys + 4));
                sum2 += Product(Vector256.Load(words + 8), Vector256.Load(keys + 8));
                sum3 += Product(Vector256.Load(words + 12), Vector256.Load(keys + 12));
            }

            Mix(sum0, key).Store(sums);
            Mix(sum1, key + 4).Store(sums + 4);
            Mix(sum2, key + 8).Store(sums + 8);
            Mix(sum3, key + 12).Store(sums + 12);
        }
    }

    private static Vector256<ulong> Product(Vector256<ulong> words, Vector256<ulong> key)
    {
        var keyed = (words.AsUInt32() + key.AsUInt32()).AsUInt64();
        var high = keyed >>> 32;
        var product = Avx2.IsSupported ? Avx2.Multiply(keyed.AsUInt32(), high.AsUInt32())
            : (keyed & Vector256.Create(0xFFFF_FFFFul)) * high;
        return product + ((words << 32) | (words >>> 32));
    }

    // Each step of it can be undone, so that no difference is lost.
    private static Vector256<ulong> Mix(Vector256<ulong> sum, ulong* key) =>
        ((sum ^ (sum >>> 47)) + Vector256.Load(key)) * Vector256.Create(0x9E37_79B9_7F4A_7C15ul);
}
