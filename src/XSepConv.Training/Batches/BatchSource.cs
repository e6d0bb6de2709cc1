using System.Buffers;
using System.Diagnostics;

namespace XSepConv.Training;

/// <summary>A batch in ordinary memory, ready to be copied into a tensor. The arrays are rented: give them back.</summary>
internal sealed class Batch(int count, int imageSize) : IDisposable
{
    private float[]? _images = ArrayPool<float>.Shared.Rent(count * imageSize);
    private long[]? _labels = ArrayPool<long>.Shared.Rent(count);
    private float[]? _weights;

    public int Count => count;

    /// <summary>[count, channels, height, width].</summary>
    public Span<float> Images => (_images ?? throw new ObjectDisposedException(nameof(Batch))).AsSpan(0, count * imageSize);

    public Span<long> Labels => (_labels ?? throw new ObjectDisposedException(nameof(Batch))).AsSpan(0, count);

    /// <summary>Whether the images are mixed, each with the next one of the batch.</summary>
    public bool IsMixed => _weights is not null;

    /// <summary>
    /// How much each image counts itself, 0.5 … 1, where they are mixed; the next one of the batch (the last one's is the first) counts the
    /// rest.
    /// </summary>
    public Span<float> Weights => (_weights ?? throw new InvalidOperationException("The batch is not mixed.")).AsSpan(0, count);

    public Span<float> WithWeights()
    {
        _weights ??= ArrayPool<float>.Shared.Rent(count);
        return Weights;
    }

    public void Dispose()
    {
        if (_images is not null) ArrayPool<float>.Shared.Return(_images);
        if (_labels is not null) ArrayPool<long>.Shared.Return(_labels);
        if (_weights is not null) ArrayPool<float>.Shared.Return(_weights);
        _images = null;
        _labels = null;
        _weights = null;
    }
}

/// <summary>
/// The batches of a pass over a split, prepared in the background a few ahead, so that a training step finds its batch waiting.
/// Order, moves and flips are drawn from (seed, epoch, image): how many are prepared at once, or from where the pass starts, changes
/// nothing.
/// </summary>
internal sealed class BatchSource
{
    private const int MostValues = int.MaxValue / sizeof(float);

    private readonly ImageSplit _images;
    private readonly ImageNormalization _normalization;
    private readonly Augmentation _augmentation;
    private readonly int[]? _order;
    private readonly int _batchSize;
    private readonly int _seed;
    private readonly int _epoch;

    private BatchSource(
        ImageSplit images, ImageNormalization normalization, int batchSize, int steps, Augmentation augmentation, int seed, int epoch,
        int[]? order)
    {
        ImageNormalization.Require(normalization, images.Channels);
        if (Misfit(images, batchSize) is { } problem) throw new ArgumentException($"The {problem}.", nameof(batchSize));
        (_images, _normalization, _batchSize, _augmentation, _seed, _epoch, _order) =
            (images, normalization, batchSize, augmentation, seed, epoch, order);
        Steps = steps;
    }

    public int Steps { get; }

    public TimeSpan Waited { get; private set; }

    /// <summary>Says why batches are too large to be prepared, or null: a span of a tensor's bytes has an int for its length.</summary>
    public static string? Misfit(ImageSplit images, int batchSize) =>
        (long)Math.Min(batchSize, images.Count) * images.ImageBytes <= MostValues ? null
        : $"batch size is {batchSize}, of images of {images.Channels}×{images.Height}×{images.Width} at most "
            + $"{MostValues / images.ImageBytes} can be a batch";

    /// <summary>
    /// How many whole batches an epoch has. The images left over are left out, others each epoch: batch normalisation of a few would be
    /// noise. A split smaller than one batch is one batch.
    /// </summary>
    public static int StepsOf(ImageSplit images, int batchSize) => Math.Max(1, images.Count / batchSize);

    /// <summary>An epoch of training: shuffled, augmented, whole batches only.</summary>
    /// <param name="epoch">From 1.</param>
    /// <param name="batches">How many batches are wanted; all without.</param>
    public static BatchSource ForTraining(
        ImageSplit images, ImageNormalization normalization, int batchSize, Augmentation augmentation, int seed, int epoch,
        int? batches = null) =>
        new(images, normalization, batchSize, batches ?? StepsOf(images, batchSize), augmentation, seed, epoch,
            CounterRandom.For(seed, CounterRandom.Stream.Order, epoch).Permutation(images.Count));

    /// <summary>Every image once, in order, as it is.</summary>
    public static BatchSource ForEvaluation(ImageSplit images, ImageNormalization normalization, int batchSize) =>
        new(images, normalization, batchSize, (images.Count + batchSize - 1) / batchSize, Augmentation.None, 0, 0, null);

    /// <summary>The batches from one on. Each is disposed of when the next is asked for.</summary>
    /// <param name="ahead">How many more than the current one are prepared, all at once.</param>
    /// <param name="stride">Every how manieth batch: of several processes, each takes those that are its own.</param>
    public IEnumerable<Batch> From(int firstStep, int ahead = 2, int stride = 1)
    {
        var waiting = new Queue<Task<Batch>>();
        try
        {
            var next = firstStep;
            for (var step = firstStep; step < Steps; step += stride)
            {
                for (; next < Steps && next <= step + (ahead * stride); next += stride)
                {
                    var prepared = next;
                    waiting.Enqueue(Task.Run(() => Prepare(prepared)));
                }

                var asked = Stopwatch.GetTimestamp();
                using var batch = waiting.Dequeue().GetAwaiter().GetResult();
                Waited += Stopwatch.GetElapsedTime(asked);
                yield return batch;
            }
        }
        finally
        {
            // Left early: what is being prepared is let finish, and given back.
            foreach (var task in waiting)
            {
                task.ContinueWith(
                    done => done.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion,
                    TaskScheduler.Default);
            }
        }
    }

    private Batch Prepare(int step)
    {
        var start = step * _batchSize;
        var batch = new Batch(Math.Min(_batchSize, _images.Count - start), _images.ImageBytes);
        var labels = _images.Labels.Span;
        for (var i = 0; i < batch.Count; i++)
        {
            var index = _order is null ? start + i : _order[start + i];
            batch.Labels[i] = labels[index];
            _augmentation.Apply(
                _images.Image(index), _images.Channels, _images.Height, _images.Width, _normalization,
                CounterRandom.For(_seed, CounterRandom.Stream.Augmentation, _epoch, index),
                batch.Images.Slice(i * _images.ImageBytes, _images.ImageBytes));
        }

        if (_augmentation.Mixup > 0 && batch.Count > 1) Mix(batch, start);
        return batch;
    }

    private void Mix(Batch batch, int start)
    {
        var weights = batch.WithWeights();
        for (var i = 0; i < batch.Count; i++)
        {
            var random = CounterRandom.For(_seed, CounterRandom.Stream.Mixup, _epoch, _order is null ? start + i : _order[start + i]);
            weights[i] = Mixup.Weight(_augmentation.Mixup, ref random);
        }

        Mixup.Mix(batch.Images, weights);
    }
}
