using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace XSepConv.Kernels;

/// <summary>
/// A 3×3 convolution of a tensor as a 1×1 one: nine channels for each of the tensor's, one a tap.
/// </summary>
/// <param name="tensor">[N, C, H, W].</param>
/// <param name="channels">C.</param>
/// <param name="height">H.</param>
/// <param name="width">W.</param>
/// <param name="stride">1 or 2; the padding is 1.</param>
/// <param name="gradient">Where the gradient of those channels goes, if it is wanted.</param>
internal readonly unsafe struct StemPanel(float* tensor, int channels, int height, int width, int stride, BlockedMap gradient) : IInputPanel
{
    /// <summary>Channels of the 1×1 convolution for each of the tensor's.</summary>
    public const int Taps = 9;

    private const int Side = 3;

    public bool HasGradient => gradient.IsThere;

    public void Fill<TLanes, TVector>(in PixelChunk chunk, float* values, nint block)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        var rows = stackalloc float[TLanes.Count * chunk.SegmentPixels];
        KernelMemory.EnterOwn(rows, (long)TLanes.Count * chunk.SegmentPixels);
        for (var s = 0; s < chunk.Segments; s++)
        {
            for (var first = 0; first < channels * Taps; first += TLanes.Count)
            {
                for (var lane = 0; lane < TLanes.Count; lane++)
                {
                    FillTap(chunk, chunk.Image + s, first + lane, new(rows + (lane * chunk.SegmentPixels), chunk.SegmentPixels));
                }

                Reorder<TLanes, TVector>.ToBlocked(
                    rows, chunk.SegmentPixels, TLanes.Count, chunk.SegmentPixels,
                    values + (first / TLanes.Count * block) + ((nint)s * chunk.SegmentPixels * TLanes.Count));
            }
        }

        KernelMemory.LeaveOwn();
    }

    public void Backward<TLanes, TVector>(in PixelChunk chunk, float* given, float* values, nint block)
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        Fill<TLanes, TVector>(chunk, values, block);
        for (var k = 0; HasGradient && k < BlockedMap.Blocks(channels * Taps, TLanes.Count); k++)
        {
            VectorMemory<TLanes, TVector>.Copy(
                given + (k * block), gradient.At(k, chunk.First, TLanes.Count), chunk.Pixels * TLanes.Count);
        }
    }

    // Zeros outside of the image, and where there is no such channel.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FillTap(in PixelChunk chunk, int image, int tap, Span<float> target)
    {
        if (tap >= channels * Taps)
        {
            target.Clear();
            return;
        }

        var (channel, down, across) = (tap / Taps, (tap / Side % Side) - 1, (tap % Side) - 1);
        var plane = tensor + ((((nint)image * channels) + channel) * height * width);
        var outputWidth = ((width - 1) / stride) + 1;
        var (row, column) = (chunk.Offset / outputWidth, chunk.Offset % outputWidth);
        while (target.Length > 0)
        {
            var line = target[..Math.Min(target.Length, outputWidth - column)];
            var from = (row * stride) + down;
            if (from < 0 || from >= height) line.Clear();
            else FillLine(new(plane + ((nint)from * width), width), (column * stride) + across, line);
            target = target[line.Length..];
            (row, column) = (row + 1, 0);
        }
    }

    // The first and the last columns may lie outside.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void FillLine(ReadOnlySpan<float> source, int first, Span<float> line)
    {
        var start = first < 0 ? (stride - 1 - first) / stride : 0;
        var end = Math.Min(line.Length, (source.Length - first + stride - 1) / stride);
        line[..start].Clear();
        line[end..].Clear();
        var inside = source[(first + (start * stride))..];
        if (stride == 1)
        {
            inside[..(end - start)].CopyTo(line[start..]);
            return;
        }

        fixed (float* from = inside, to = line[start..end]) TakeEverySecond(from, inside.Length, to, end - start);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TakeEverySecond(float* source, int length, float* line, int count)
    {
        // Of two neighbours, as one number of 64 bits, the lower half is the first.
        var i = 0;
        for (; i + Vector256<float>.Count <= Math.Min(length / 2, count); i += Vector256<float>.Count)
        {
            var pairs = (ulong*)(source + (2 * i));
            Vector256.Narrow(Vector256.Load(pairs), Vector256.Load(pairs + Vector256<ulong>.Count)).AsSingle().Store(line + i);
        }

        for (; i < count; i++) line[i] = source[2 * i];
    }
}
