using System.Collections.Immutable;
using System.Diagnostics;
using XSepConv.Kernels;
using static System.FormattableString;

namespace XSepConv.Inference;

/// <summary>A session's buffers, and the way of a batch through the steps.</summary>
/// <remarks>
/// Threads take shares of whole images; images that are left over, or a single one, are cut step by step, by rows and channels. Features
/// are cut by outputs.
/// </remarks>
internal sealed unsafe class SessionRun : ITeamJob
{
    // A share's images go through a layer one after the other while its weights are in cache; a late thread leaves shares to others.
    private const int SharesPerThread = 2;

    private readonly NetworkPlan _plan;
    private readonly MapStep[] _steps;
    private readonly WorkerTeam? _team;
    private readonly int _threads;
    private readonly int _classes;
    private readonly int _imageLength;
    private readonly AlignedFloats[] _scratch;
    private readonly AlignedFloats[][] _slots;
    private readonly AlignedFloats[] _features;
    private float* _planes;
    private byte* _bytes;
    private float** _outputs;
    private int _images;
    private int _leftOver;
    private int _shares;

    /// <param name="network">The weights.</param>
    /// <param name="size">Of the images.</param>
    /// <param name="spec">What the network was built from.</param>
    /// <param name="maxBatch">The most images of one run.</param>
    /// <param name="threads">How many share a run.</param>
    /// <param name="lent">Whose threads they are, beside the caller's; null for threads of the session's own.</param>
    /// <param name="maps">As <see cref="PackedNetwork.Plan"/> takes them; logits where it is not given.</param>
    /// <exception cref="ArgumentException">A buffer would be too large.</exception>
    public SessionRun(
        PackedNetwork network, MapSize size, NetworkSpec spec, int maxBatch, int threads, IKernelTeam? lent = null,
        ImmutableArray<int> maps = default)
    {
        _threads = threads;
        _classes = spec.Outputs;
        RequireSize(size, spec.InputChannels);
        _imageLength = spec.InputChannels * size.Pixels;
        _plan = network.Plan(size, threads, maps.IsDefault ? [] : maps);
        _steps = [.. _plan.Segments.SelectMany(segment => segment)];
        Bytes = new ByteValues(spec.InputChannels);

        // Threads that never have an image of their own work in the first one's buffers.
        var owners = maxBatch >= threads ? threads : 1;
        RequireBuffers(maxBatch);
        var arena = new FloatArena();
        _scratch = [.. Enumerable.Range(0, threads).Select(_ => arena.Allocate(_plan.ScratchFloats))];
        _slots = new AlignedFloats[ImageMaps.SlotCount][];
        for (var slot = 0; slot < _slots.Length; slot++)
        {
            var floats = RoundUp(_plan.SlotFloats[slot]);
            _slots[slot] = NetworkPlan.IsLocal((Slot)slot) ? [.. Enumerable.Range(0, owners).Select(_ => arena.Allocate(floats))]
                : [arena.Allocate(floats * maxBatch)];
        }

        _features = [_slots[(int)Slot.Features][0], .. _plan.FeatureFloats.Skip(1).Select(floats => arena.Allocate(floats * maxBatch))];
        MemoryBytes = arena.Floats * sizeof(float);
        if (threads > 1) _team = new WorkerTeam(threads, lent);
    }

    public ByteValues Bytes { get; }

    public long MemoryBytes { get; }

    /// <summary>Floats of each map of one image, where maps are wanted.</summary>
    public ImmutableArray<long> OutputFloats => _plan.OutputFloats;

    /// <summary>Runs images from planes of floats, or from bytes.</summary>
    /// <param name="planes">[N, C, H, W], or null.</param>
    /// <param name="bytes">[N, H, W, C], or null.</param>
    /// <param name="images">N.</param>
    /// <param name="outputs">Room for the maps, [N, C, H, W] each, where they are wanted.</param>
    public void Run(float* planes, byte* bytes, int images, float** outputs = null)
    {
        using var memory = new CallMemory();
        memory.Add(planes, (long)images * _imageLength);
        for (var i = 0; i < OutputFloats.Length; i++) memory.Add(outputs[i], images * OutputFloats[i]);
        _outputs = outputs;
        _planes = planes;
        _bytes = bytes;
        _images = images;
        _leftOver = _threads == 1 ? 0 : images % _threads;
        _shares = Math.Min(images - _leftOver, _threads == 1 ? 1 : _threads * SharesPerThread);
        if (_team is not null)
        {
            _team.Run(this);
            return;
        }

        for (var phase = 0; phase < Phases; phase++) Run(phase, 0, Items(phase), 0);
    }

    public ReadOnlySpan<float> Logits(int image) => new(_features[^1].Pointer + (image * _plan.FeatureFloats[^1]), _classes);

    public void CopyLogits(int images, Span<float> logits)
    {
        for (var image = 0; image < images; image++) Logits(image).CopyTo(logits[(image * _classes)..]);
    }

    public void Stop() => _team?.Stop();

    public int Phases => 1 + (_leftOver * _steps.Length) + _plan.Features.Length;

    /// <summary>Shares of whole images; then the steps of each image that is left over; then the features.</summary>
    public int Items(int phase) =>
        phase == 0 ? _shares
        : phase <= _leftOver * _steps.Length ? _steps[(phase - 1) % _steps.Length].Items
        : Features(phase).Items(_images);

    public void Run(int phase, int first, int end, int thread)
    {
        if (phase == 0)
        {
            var whole = _images - _leftOver;
            RunImages((int)((long)whole * first / _shares), (int)((long)whole * end / _shares), thread);
        }
        else if (phase <= _leftOver * _steps.Length)
        {
            Prepare(_images - _leftOver + ((phase - 1) / _steps.Length), 0, out var maps);
            _steps[(phase - 1) % _steps.Length].Run(maps, first, end, _scratch[thread].Pointer);
        }
        else
        {
            var i = phase - 1 - (_leftOver * _steps.Length);
            _plan.Features[i].Run(_features[i].Pointer, _features[i + 1].Pointer, _images, first, end);
        }
    }

    /// <summary>Runs on one thread, step by step, and gives each step's median time over the runs.</summary>
    public IReadOnlyList<StepTime> Measure(float* planes, int images, int runs)
    {
        using var memory = new CallMemory();
        memory.Add(planes, (long)images * _imageLength);
        _planes = planes;
        _bytes = null;
        _images = images;
        var ticks = new long[_steps.Length + _plan.Features.Length][];
        for (var i = 0; i < ticks.Length; i++) ticks[i] = new long[runs];
        for (var run = -1; run < runs; run++) MeasureOnce(ticks, run);
        return [.. ticks.Select((times, i) =>
        {
            Array.Sort(times);
            var (name, macs) = i < _steps.Length ? (_steps[i].Name, _steps[i].Macs)
                : (_plan.Features[i - _steps.Length].Name, _plan.Features[i - _steps.Length].Macs);
            return new StepTime(name, macs * images, TimeSpan.FromSeconds(times[runs / 2] / (double)Stopwatch.Frequency));
        })];
    }

    /// <summary>One run; the one before the first warms up and is not counted.</summary>
    private void MeasureOnce(long[][] ticks, int run)
    {
        var first = 0;
        foreach (var segment in _plan.Segments)
        {
            for (var image = 0; image < _images; image++)
            {
                Prepare(image, 0, out var maps);
                for (var i = 0; i < segment.Length; i++)
                {
                    var start = Stopwatch.GetTimestamp();
                    segment[i].Run(maps, 0, segment[i].Items, _scratch[0].Pointer);
                    if (run >= 0) ticks[first + i][run] += Stopwatch.GetTimestamp() - start;
                }
            }

            first += segment.Length;
        }

        for (var i = 0; i < _plan.Features.Length; i++)
        {
            var start = Stopwatch.GetTimestamp();
            _plan.Features[i].Run(_features[i].Pointer, _features[i + 1].Pointer, _images, 0, _plan.Features[i].Items(_images));
            if (run >= 0) ticks[first + i][run] += Stopwatch.GetTimestamp() - start;
        }
    }

    private FeatureStep Features(int phase) => _plan.Features[phase - 1 - (_leftOver * _steps.Length)];

    private void RunImages(int first, int end, int thread)
    {
        foreach (var segment in _plan.Segments)
        {
            for (var image = first; image < end; image++)
            {
                Prepare(image, thread, out var maps);
                foreach (var step in segment) step.Run(maps, 0, step.Items, _scratch[thread].Pointer);
            }
        }
    }

    private void Prepare(int image, int owner, out ImageMaps maps)
    {
        maps = default;
        maps.Planes = _planes == null ? null : _planes + ((nint)image * _imageLength);
        maps.Bytes = _bytes == null ? null : _bytes + ((nint)image * _imageLength);
        maps.ByteTables = Bytes.Pointer;
        maps.Image = image;
        maps.Outputs = _outputs;
        for (var i = 0; i < ImageMaps.SlotCount; i++)
        {
            var slot = (Slot)i;
            maps[slot] = NetworkPlan.IsLocal(slot) ? _slots[i][owner].Pointer
                : _slots[i][0].Pointer + ((nint)image * (nint)(slot == Slot.Features ? _plan.SlotFloats[i] : RoundUp(_plan.SlotFloats[i])));
        }
    }

    // All of them, before the first one is allocated.
    private void RequireBuffers(int maxBatch)
    {
        var slots = _plan.SlotFloats.Select((floats, slot) => RoundUp(floats) * (NetworkPlan.IsLocal((Slot)slot) ? 1 : maxBatch));
        var largest = slots.Concat(_plan.FeatureFloats.Select(floats => (long)floats * maxBatch)).Append(_plan.ScratchFloats).Max();
        if (largest > AlignedFloats.MaxFloats)
        {
            throw TooLarge(
                Invariant($"one buffer would take {largest * sizeof(float):N0} bytes, ")
                + Invariant($"the most are {AlignedFloats.MaxFloats * sizeof(float):N0}"));
        }
    }

    private static long RoundUp(long floats) => (floats + 15) / 16 * 16;

    private static void RequireSize(MapSize size, int channels)
    {
        const int LongestSide = 1 << 16;
        if (size.Height > LongestSide || size.Width > LongestSide)
        {
            throw TooLarge(Invariant($"{size.Height}×{size.Width} images have a side above {LongestSide:N0} pixels"));
        }

        // A 2×2 that pads before the expansion adds a row and a column.
        if ((size.Height + 1L) * (size.Width + 1L) > int.MaxValue || (long)size.Height * size.Width * channels > Array.MaxLength)
        {
            throw TooLarge($"one {channels}×{size.Height}×{size.Width} image has more values than a span can");
        }
    }

    private static ArgumentException TooLarge(string why) => new($"The session would be too large: {why}.");
}
