namespace XSepConv.Training.Tests.Distributed;

/// <summary>A step of two processes, here two threads that add up as mpirun's processes do.</summary>
[Collection(TorchTests.Name)]
public sealed class RunningStatisticsTests
{
    private const int Images = 8;

    // Dropout would draw from the one generator of all threads.
    private static readonly NetworkSpec s_spec = TorchTests.Spec() with { Dropout = 0 };

    [Fact]
    public void Running_statistics_become_the_mean_of_what_each_batch_alone_gives()
    {
        // All before a thread starts, so that nothing else draws from the generator meanwhile.
        using MobileNet first = Network(), second = Network(), third = Network(), fourth = Network();
        Dictionary<string, float[]>[] alone = [Step(first, 0, ProcessGroup.Alone), Step(second, 1, ProcessGroup.Alone)];
        using var meeting = new Meeting();
        var together = new Dictionary<string, float[]>[2];
        AtOnce(() => together[0] = Step(third, 0, new OneOfTwo(0, meeting)), () => together[1] = Step(fourth, 1, new OneOfTwo(1, meeting)));

        var names = alone[0].Keys.Where(name => name.Contains("running_", StringComparison.Ordinal)).ToList();
        Assert.Equal(s_spec.Blocks.Length, names.Count(name => name.EndsWith(".bn1.running_mean", StringComparison.Ordinal)));
        foreach (var name in names)
        {
            var (one, other) = (alone[0][name], alone[1][name]);
            Assert.NotEqual(one, other);
            float[] expected = [.. one.Zip(other, (a, b) => (float)(((double)a + b) / 2))];
            Assert.All(together, statistics => Assert.Equal(expected, statistics[name]));
        }
    }

    /// <summary>Each on a thread of its own, as they wait for each other; what one throws is thrown here.</summary>
    private static void AtOnce(params Action[] actions)
    {
        var failures = new Exception?[actions.Length];
        var threads = actions.Select((action, i) => new Thread(() => failures[i] = Record.Exception(action)) { IsBackground = true }).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.Empty(failures.OfType<Exception>());
    }

    /// <summary>The buffers of a network after its first step, on the images of one process.</summary>
    private static Dictionary<string, float[]> Step(MobileNet network, int rank, ProcessGroup processes)
    {
        var data = RunFolder.Data;
        var recipe = new TrainingRecipe { Epochs = 1, BatchSize = Images * processes.Size };
        using var optimizer = ParameterOptimizer.Of(recipe, network, []);
        var random = new Random(rank);
        using var batch = new Batch(Images, 3 * data.Train.Height * data.Train.Width);
        foreach (ref var value in batch.Images) value = (2 * random.NextSingle()) - 1;
        for (var i = 0; i < Images; i++) batch.Labels[i] = i;
        using var batches = Enumerable.Repeat(batch, 1).GetEnumerator();
        var step = new RunStep(recipe, 0, data.Train, network, optimizer, null, processes);
        step.Run(batches, epoch: 1, step: 0, before: 0, learningRate: 0.1);
        return network.named_buffers().Where(named => named.buffer.is_floating_point())
            .ToDictionary(named => named.name, named => named.buffer.data<float>().ToArray());
    }

    private static MobileNet Network()
    {
        TorchSharp.torch.random.manual_seed(5);
        return new MobileNet(s_spec);
    }

    /// <summary>Where two threads add up their numbers.</summary>
    private sealed class Meeting : IDisposable
    {
        private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

        private readonly Barrier _barrier = new(2);
        private readonly double[][] _given = new double[2][];

        public double[] Sum(int rank, double[] values)
        {
            _given[rank] = values;
            Wait();
            double[] sum = [.. _given[0].Zip(_given[1], (a, b) => a + b)];
            Wait();
            return sum;
        }

        public void Dispose() => _barrier.Dispose();

        private void Wait()
        {
            if (!_barrier.SignalAndWait(s_patience)) throw new TimeoutException("The other thread does not come.");
        }
    }

    private sealed class OneOfTwo(int rank, Meeting meeting) : ProcessGroup
    {
        public override int Rank => rank;

        public override int Size => 2;

        public override void Abort(int exitCode) => throw new InvalidOperationException($"{exitCode}");

        internal override void Sum(Span<float> values)
        {
            var sum = meeting.Sum(rank, [.. values.ToArray().Select(value => (double)value)]);
            for (var i = 0; i < values.Length; i++) values[i] = (float)sum[i];
        }

        internal override void Sum(Span<double> values) => meeting.Sum(rank, values.ToArray()).CopyTo(values);
    }
}
