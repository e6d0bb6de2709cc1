using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>Measures a network on a split.</summary>
public static class Evaluator
{
    /// <summary>Runs every image through the network once, in evaluation mode; every module's mode is as before afterwards.</summary>
    /// <param name="network">Any classifier, [N, C, H, W] → [N, classes], on any device.</param>
    /// <param name="images">The split.</param>
    /// <param name="normalization">That of the training.</param>
    /// <param name="batchSize">Images at once, at least 1; the result does not depend on it but for rounding.</param>
    /// <param name="progress">Told the number of images done.</param>
    /// <param name="cancel">Ends it after the current batch.</param>
    /// <exception cref="ArgumentException">
    /// Normalisation and images do not agree, the network does not take such images or tells fewer classes apart than their labels name, or
    /// the split is empty.
    /// </exception>
    /// <exception cref="InvalidDataException">A weight is not a finite number, or a variance is negative.</exception>
    /// <exception cref="ObjectDisposedException">The network, or a module or tensor in it, is disposed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static EvaluationResult Evaluate(
        nn.Module<Tensor, Tensor> network,
        ImageSplit images,
        ImageNormalization normalization,
        int batchSize = 256,
        IProgress<int>? progress = null,
        CancellationToken cancel = default) => Evaluate(network, images, normalization, ProcessGroup.Alone, batchSize, progress, cancel);

    /// <summary>The same, and what the images of each class were taken for.</summary>
    /// <inheritdoc cref="Evaluate(nn.Module{Tensor, Tensor}, ImageSplit, ImageNormalization, int, IProgress{int}?, CancellationToken)"/>
    public static (EvaluationResult Result, ConfusionMatrix Confusion) EvaluateByClass(
        nn.Module<Tensor, Tensor> network,
        ImageSplit images,
        ImageNormalization normalization,
        int batchSize = 256,
        IProgress<int>? progress = null,
        CancellationToken cancel = default)
    {
        (long[,] Counts, long[] Unanswered)? seen = null;
        var result = Evaluate(network, images, normalization, ProcessGroup.Alone, batchSize, progress, cancel, (batch, logits) =>
        {
            var classes = (int)logits.shape[1];
            var (counts, unanswered) = seen ??= (new long[classes, classes], new long[classes]);
            using var predicted = logits.argmax(1).cpu();
            using var answered = Answered(logits).cpu();
            var (answers, are) = (predicted.data<long>(), answered.data<bool>());
            for (var i = 0; i < batch.Count; i++)
            {
                if (are[i]) counts[batch.Labels[i], answers[i]]++;
                else unanswered[batch.Labels[i]]++;
            }
        });
        return (result, new ConfusionMatrix(seen!.Value.Counts, seen.Value.Unanswered));
    }

    /// <summary>
    /// The same with every image moved; what comes in is 0, the mean that images are normalised by. How much of the accuracy hangs on where
    /// things stand, as it may where a network's own paddings are all on one side.
    /// </summary>
    /// <param name="network">Any classifier, [N, C, H, W] → [N, classes], on any device.</param>
    /// <param name="images">The split.</param>
    /// <param name="normalization">That of the training.</param>
    /// <param name="right">Columns to the right; negative to the left. Less than the images are wide.</param>
    /// <param name="down">Rows down; negative up. Less than the images are high.</param>
    /// <param name="batchSize">Images at once, at least 1; the result does not depend on it but for rounding.</param>
    /// <param name="progress">Told the number of images done.</param>
    /// <param name="cancel">Ends it after the current batch.</param>
    /// <exception cref="ArgumentOutOfRangeException">Nothing would be left of an image.</exception>
    /// <inheritdoc cref="Evaluate(nn.Module{Tensor, Tensor}, ImageSplit, ImageNormalization, int, IProgress{int}?, CancellationToken)"/>
    public static EvaluationResult EvaluateShifted(
        nn.Module<Tensor, Tensor> network,
        ImageSplit images,
        ImageNormalization normalization,
        int right,
        int down,
        int batchSize = 256,
        IProgress<int>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        RequireLess(right, images.Width, nameof(right), "columns");
        RequireLess(down, images.Height, nameof(down), "rows");
        return Evaluate(
            network, images, normalization, ProcessGroup.Alone, batchSize, progress, cancel,
            shift: batch => nn.functional.pad(batch, [right, -right, down, -down]));

        static void RequireLess(int shift, int side, string name, string what)
        {
            if (Math.Abs((long)shift) < side) return;
            throw new ArgumentOutOfRangeException(name, shift, $"The images have {side} {what}; less than that they can be moved.");
        }
    }

    /// <summary>
    /// Images at once beside training: 256, or fewer of more than 48 MiB, which as floats, two batches ahead, are much memory; as many as
    /// training takes, which needs more for each.
    /// </summary>
    internal static int BatchSize(int trained, ImageSplit images) => Math.Max(trained, Math.Min(256, (48 << 20) / images.ImageBytes));

    /// <summary>
    /// The same by several processes, each of which runs its share of the batches; all get the same result, that of one process.
    /// </summary>
    internal static EvaluationResult Evaluate(
        nn.Module<Tensor, Tensor> network,
        ImageSplit images,
        ImageNormalization normalization,
        ProcessGroup processes,
        int batchSize,
        IProgress<int>? progress,
        CancellationToken cancel,
        Action<Batch, Tensor>? look = null,
        Func<Tensor, Tensor>? shift = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(normalization);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (images.Count == 0) throw new ArgumentException("There are no images to evaluate on.", nameof(images));

        if (FiniteWeights.Problem(network) is { } problem)
        {
            throw new InvalidDataException($"The network {network.GetName()} can't be evaluated: {problem}.");
        }

        var largest = 0;
        foreach (var label in images.Labels.Span) largest = Math.Max(largest, label);
        var weight = network.parameters().FirstOrDefault();
        var (device, dtype) = (weight?.device ?? CPU, weight?.dtype ?? ScalarType.Float32);
        using var modes = new ModuleModes(network);
        network.eval();
        using var noGrad = no_grad();
        var source = BatchSource.ForEvaluation(images, normalization, batchSize);

        // A place for each batch: the sum over processes only fills in what others measured, and the sum over batches has one order.
        var measured = new double[2 * source.Steps];
        var (number, done) = (processes.Rank, 0);
        foreach (var batch in source.From(processes.Rank, stride: processes.Size))
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var values = TensorBatch.Images(batch, images, device, dtype);
            var logits = network.call(shift?.Invoke(values) ?? values).to(ScalarType.Float32);
            RequireClasses(network, logits, batch.Count, largest);
            var labels = TensorBatch.Labels(batch, device);
            var summed = nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.Sum);
            measured[2 * number] = summed.to(ScalarType.Float64).item<double>();

            measured[(2 * number) + 1] = logits.argmax(1).eq(labels).logical_and(Answered(logits)).sum().item<long>();
            look?.Invoke(batch, logits);
            number += processes.Size;
            progress?.Report(done = Math.Min(images.Count, done + (batch.Count * processes.Size)));
        }

        processes.Sum(measured);
        double loss = 0, correct = 0;
        for (var i = 0; i < source.Steps; i++) (loss, correct) = (loss + measured[2 * i], correct + measured[(2 * i) + 1]);
        return new EvaluationResult(correct / images.Count, loss / images.Count, images.Count);
    }

    private static void RequireClasses(nn.Module<Tensor, Tensor> network, Tensor logits, int images, int largest)
    {
        if (BatchCheck.NoTable(logits, images) is { } wrong)
        {
            throw new ArgumentException($"The network {network.GetName()} {wrong}", nameof(network));
        }

        if (logits.size(1) > largest) return;
        throw new ArgumentException(
            $"The network {network.GetName()} tells {logits.size(1)} classes apart, but an image has the label {largest}.",
            nameof(network));
    }

    /// <summary>An image without numbers for an answer is not classified: NaN is where argmax looks first.</summary>
    private static Tensor Answered(Tensor logits) => logits.isfinite().all(1);
}
