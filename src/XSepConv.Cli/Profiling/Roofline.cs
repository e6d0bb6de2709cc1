using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using XSepConv.Kernels;

namespace XSepConv.Cli.Profiling;

/// <summary>
/// What one thread of this machine can do: multiply-accumulates in registers, and copies through each level of its memory.
/// </summary>
internal static unsafe class Roofline
{
    private const long FmaSteps = 2_000_000;

    /// <summary>
    /// 10⁹ multiply-accumulates a second, float32, of independent fused multiply-adds in registers of the widest accelerated kind.
    /// </summary>
    public static double MacsPerSecond()
    {
        var lanes = 0;
        var seconds = Fastest(7, () => lanes = Vector512.IsHardwareAccelerated ? Chains<Lanes512, Vector512<float>>()
            : Vector256.IsHardwareAccelerated ? Chains<Lanes256, Vector256<float>>() : Chains<Lanes128, Vector128<float>>());
        return FmaSteps * 12.0 * lanes / seconds / 1e9;
    }

    /// <summary>10⁹ bytes a second, read and written counted both, of copying a block of this size to another.</summary>
    public static double CopyBytesPerSecond(long bytes)
    {
        var source = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        var destination = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        try
        {
            NativeMemory.Fill(source, (nuint)bytes, 1);
            return 2 * Rate(bytes, () => Copy(source, destination, bytes));
        }
        finally
        {
            NativeMemory.AlignedFree(source);
            NativeMemory.AlignedFree(destination);
        }
    }

    /// <summary>
    /// 10⁹ bytes a second of reading a block of this size over and over, as weights are from run to run: at the rate of the cache that
    /// holds it, or of memory.
    /// </summary>
    public static double ReadBytesPerSecond(long bytes)
    {
        const int Step = 256;
        bytes = Math.Max(Step, bytes / Step * Step);
        var source = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        try
        {
            NativeMemory.Fill(source, (nuint)bytes, 1);
            return Rate(bytes, () => Read(source, bytes));
        }
        finally
        {
            NativeMemory.AlignedFree(source);
        }
    }

    private static double Rate(long bytes, Action work)
    {
        var repeats = Math.Max(1, (64L << 20) / bytes);
        var seconds = Fastest(9, () =>
        {
            for (var repeat = 0L; repeat < repeats; repeat++) work();
        });
        return bytes * repeats / seconds / 1e9;
    }

    private static double Fastest(int trials, Action work)
    {
        var best = double.PositiveInfinity;
        for (var trial = 0; trial < trials; trial++)
        {
            var start = Stopwatch.GetTimestamp();
            work();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    // Plain stores, as the kernels': a memory copy of the runtime's may bypass the caches.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy(byte* source, byte* destination, long bytes)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            for (var i = 0L; i < bytes; i += 64) Vector512.Load(source + i).Store(destination + i);
        }
        else
        {
            for (var i = 0L; i < bytes; i += 32) Vector256.Load(source + i).Store(destination + i);
        }
    }

    // Four sums, so that no addition waits for the one before it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read(byte* source, long bytes)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Vector512<byte> s0 = default, s1 = default, s2 = default, s3 = default;
            for (var i = 0L; i < bytes; i += 256)
            {
                s0 ^= Vector512.Load(source + i);
                s1 ^= Vector512.Load(source + i + 64);
                s2 ^= Vector512.Load(source + i + 128);
                s3 ^= Vector512.Load(source + i + 192);
            }

            Sink = (s0 ^ s1 ^ s2 ^ s3).AsSingle()[0];
        }
        else
        {
            Vector256<byte> s0 = default, s1 = default, s2 = default, s3 = default;
            for (var i = 0L; i < bytes; i += 128)
            {
                s0 ^= Vector256.Load(source + i);
                s1 ^= Vector256.Load(source + i + 32);
                s2 ^= Vector256.Load(source + i + 64);
                s3 ^= Vector256.Load(source + i + 96);
            }

            Sink = (s0 ^ s1 ^ s2 ^ s3).AsSingle()[0];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static int Chains<TLanes, TVector>()
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        var a = TLanes.Splat(0.5f);
        var b = TLanes.Splat(0.25f);
        TVector s0 = b, s1 = b, s2 = b, s3 = b, s4 = b, s5 = b, s6 = b, s7 = b, s8 = b, s9 = b, s10 = b, s11 = b;
        for (var i = 0L; i < FmaSteps; i++)
        {
            s0 = TLanes.MultiplyAdd(s0, a, b);
            s1 = TLanes.MultiplyAdd(s1, a, b);
            s2 = TLanes.MultiplyAdd(s2, a, b);
            s3 = TLanes.MultiplyAdd(s3, a, b);
            s4 = TLanes.MultiplyAdd(s4, a, b);
            s5 = TLanes.MultiplyAdd(s5, a, b);
            s6 = TLanes.MultiplyAdd(s6, a, b);
            s7 = TLanes.MultiplyAdd(s7, a, b);
            s8 = TLanes.MultiplyAdd(s8, a, b);
            s9 = TLanes.MultiplyAdd(s9, a, b);
            s10 = TLanes.MultiplyAdd(s10, a, b);
            s11 = TLanes.MultiplyAdd(s11, a, b);
        }

        var first = TLanes.Add(TLanes.Add(TLanes.Add(s0, s1), TLanes.Add(s2, s3)), TLanes.Add(s4, s5));
        var second = TLanes.Add(TLanes.Add(TLanes.Add(s6, s7), TLanes.Add(s8, s9)), TLanes.Add(s10, s11));
        Sink = TLanes.Sum(TLanes.Add(first, second));
        return TLanes.Count;
    }

    /// <summary>Keeps the chains from being dropped.</summary>
    public static float Sink { get; private set; }
}
