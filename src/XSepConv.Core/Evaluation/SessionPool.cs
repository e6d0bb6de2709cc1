using System.Collections.Immutable;
using XSepConv.Inference;
using XSepConv.Kernels;

namespace XSepConv;

/// <summary>Packed weights with the buffers in which they run, which are kept for the next images of the size.</summary>
/// <remarks>
/// A run has buffers of its own, so that any number of threads run at once. At most <see cref="MostIdle"/> sets of buffers wait, together
/// of at most <see cref="MostIdleBytes"/> for each of torch's threads; what has waited longest goes first.
/// </remarks>
internal sealed class SessionPool(PackedNetwork network, NetworkSpec spec)
{
    public const int MostIdle = 4;
    public const long MostIdleBytes = 64L << 20;

    // More images than that gain nothing: it is enough for weights to be read once for many images.
    private const int MostImages = 32;

    private const int ImagesPerThread = 4;

    private readonly List<Session> _idle = [];

    public long WeightBytes => network.WeightBytes;

    public long IdleBytes
    {
        get
        {
            lock (_idle) return _idle.Sum(session => session.Run.MemoryBytes);
        }
    }

    /// <summary>Images of a size to logits.</summary>
    /// <param name="planes">[N, C, H, W].</param>
    /// <param name="logits">[N, classes], or features.</param>
    /// <param name="images">N.</param>
    /// <param name="size">H and W.</param>
    /// <param name="threads">That share the work.</param>
    /// <exception cref="ArgumentException">The images are so large that a buffer would pass 2³¹ floats.</exception>
    public unsafe void Run(float* planes, float* logits, int images, MapSize size, int threads) =>
        Run(planes, logits, null, [], images, size, threads);

    /// <summary>Images of a size to maps.</summary>
    /// <param name="planes">[N, C, H, W].</param>
    /// <param name="outputs">Where each map of the first image goes; it is moved on to where one of the image after the last would.</param>
    /// <param name="maps">As <see cref="PackedNetwork.Plan"/> takes them, from the first part on.</param>
    /// <param name="images">N.</param>
    /// <param name="size">H and W.</param>
    /// <param name="threads">That share the work.</param>
    /// <exception cref="ArgumentException">The images are so large that a buffer would pass 2³¹ floats.</exception>
    public unsafe void Run(float* planes, float** outputs, ImmutableArray<int> maps, int images, MapSize size, int threads) =>
        Run(planes, null, outputs, maps, images, size, threads);

    private unsafe void Run(
        float* planes, float* logits, float** outputs, ImmutableArray<int> maps, int images, MapSize size, int threads)
    {
        var most = Math.Max(MostImages, ImagesPerThread * threads);
        var runs = (images + most - 1) / most;
        var session = Take(size, threads, (images + runs - 1) / runs, most, maps);
        for (var run = 0; run < runs; run++)
        {
            var (first, end) = ((int)((long)images * run / runs), (int)((long)images * (run + 1) / runs));
            session.Run.Run(planes + ((long)first * spec.InputChannels * size.Pixels), null, end - first, outputs);
            for (var i = 0; i < maps.Length; i++) outputs[i] += (end - first) * session.Run.OutputFloats[i];
            if (!maps.IsEmpty) continue;
            session.Run.CopyLogits(
                end - first, new Span<float>(logits + ((long)first * spec.Outputs), (end - first) * spec.Outputs));
        }

        Put(session);
    }

    private Session Take(MapSize size, int threads, int images, int most, ImmutableArray<int> maps)
    {
        lock (_idle)
        {
            var i = _idle.FindLastIndex(idle => idle.Size == size && idle.Threads == threads && idle.Images >= images
                && idle.Maps.AsSpan().SequenceEqual(maps.AsSpan()));
            if (i >= 0)
            {
                var found = _idle[i];
                _idle.RemoveAt(i);
                return found;
            }
        }

        // The last batch of many is often a smaller one.
        var room = images == 1 ? 1 : most;
        return new(size, threads, room, maps, new SessionRun(network, size, spec, room, threads, KernelThreads.Team, maps));
    }

    private void Put(Session session)
    {
        lock (_idle)
        {
            _idle.Add(session);
            while (_idle.Count > MostIdle || _idle.Sum(idle => idle.Run.MemoryBytes) > MostIdleBytes * session.Threads) _idle.RemoveAt(0);
        }
    }

    private sealed record Session(MapSize Size, int Threads, int Images, ImmutableArray<int> Maps, SessionRun Run);
}
