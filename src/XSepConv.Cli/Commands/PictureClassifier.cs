namespace XSepConv.Cli.Commands;

/// <summary>Answers for files: decoded side by side, then classified at once.</summary>
/// <param name="model">One that <see cref="PredictCommand"/> takes: it knows its data.</param>
/// <param name="data">How they are prepared.</param>
/// <param name="top">Classes to name for each.</param>
/// <param name="threads">For decoding and for the network.</param>
/// <param name="maxBatch">The most files at once.</param>
internal sealed class PictureClassifier(CompiledModel model, DataSpec data, int top, int threads, int maxBatch) : IDisposable
{
    private readonly NetworkSession session = model.CreateSession(maxBatch, threads);

    /// <summary>One for each, in their order; a name that has an error keeps it.</summary>
    public Answer[] Classify(IReadOnlyList<PathLine> names)
    {
        var pictures = new Picture[names.Count];
        Parallel.For(0, names.Count, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
            pictures[i] = names[i].Error is { } error
                ? new(names[i].Path, null, error)
                : Picture.Open(names[i].Path, data));
        var pixels = new byte[session.ImageLength * pictures.Count(picture => picture.Pixels is not null)];
        var at = 0;
        foreach (var read in pictures.Select(picture => picture.Pixels).OfType<byte[]>())
        {
            read.CopyTo(pixels, at);
            at += read.Length;
        }

        var predictions = new Prediction[pixels.Length / session.ImageLength * top];
        if (predictions.Length > 0) session.Classify(pixels, predictions);
        var next = 0;
        return [.. pictures.Select(picture => picture.Error is not null
            ? new Answer(picture.File, [], picture.Error)
            : new Answer(picture.File, [.. predictions.AsSpan(next++ * top, top)], null))];
    }

    public void Dispose() => session.Dispose();
}
