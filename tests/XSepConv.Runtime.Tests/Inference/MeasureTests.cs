using System.Collections.Immutable;
using System.Diagnostics;
using XSepConv.Inference;

namespace XSepConv.Runtime.Tests.Inference;

/// <summary>A step's time is its own: one that waits has taken that long at the least, whatever else the machine does.</summary>
public sealed unsafe class MeasureTests
{
    private const int Images = 2;

    private static readonly TimeSpan s_wait = TimeSpan.FromMilliseconds(20);

    // Two segments, then the features.
    private static readonly string[] s_names = ["a", "b", "c", "d", "e"];

    public static TheoryData<string> Names => [.. s_names];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_step_that_waits_is_named_with_its_wait(string waits)
    {
        var map = s_names.Take(3).Select(name => (MapStep)new Map(name == waits) { Name = name, Macs = name[0] }).ToArray();
        var features = s_names.Skip(3).Select(name => (FeatureStep)new Row(name == waits) { Name = name, Macs = name[0] });
        var floats = Enumerable.Repeat(16L, ImageMaps.SlotCount).ToImmutableArray();
        var plan = new NetworkPlan([[map[0], map[1]], [map[2]]], [.. features], floats, [16, 16, 16], [], ScratchFloats: 16);
        var run = new SessionRun(new Packed(plan) { Kernel = "scalar" }, new(8, 8), ModelFile.Spec, Images, threads: 1);
        var pixels = new float[Images * ModelFile.Spec.InputChannels * 64];
        IReadOnlyList<StepTime> times;
        fixed (float* planes = pixels) times = run.Measure(planes, Images, runs: 3);

        Assert.Equal(s_names.Select(name => (name, (long)Images * name[0])), times.Select(time => (time.Name, time.Macs)));

        // Features are taken of all images at once.
        var least = s_names.AsSpan(3).Contains(waits) ? s_wait : Images * s_wait;
        Assert.InRange(times.Single(time => time.Name == waits).Time, least, TimeSpan.MaxValue);
    }

    private static void Wait()
    {
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < s_wait) Thread.Sleep(1);
    }

    private sealed class Packed(NetworkPlan plan) : PackedNetwork
    {
        public override long WeightBytes => 0;

        public override NetworkPlan Plan(MapSize image, int threads, ImmutableArray<int> maps) => plan;
    }

    private sealed class Map(bool waits) : MapStep
    {
        public override int Items => 1;

        public override long ScratchFloats => 0;

        public override void Run(in ImageMaps maps, int first, int end, float* scratch)
        {
            if (waits) Wait();
        }
    }

    private sealed class Row(bool waits) : FeatureStep
    {
        public override int Items(int images) => 1;

        public override void Run(float* input, float* output, int images, int first, int end)
        {
            if (waits) Wait();
        }
    }
}
