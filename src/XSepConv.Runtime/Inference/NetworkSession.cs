using XSepConv.Inference;
using static System.FormattableString;

namespace XSepConv;

/// <summary>
/// The memory for running a <see cref="CompiledModel"/>. It serves one thread at a time; as many sessions as there are threads share a
/// model.
/// </summary>
/// <remarks>A run allocates nothing and takes no lock that another session knows.</remarks>
public sealed unsafe class NetworkSession : IDisposable
{
    private readonly SessionRun _run;
    private readonly MapSize _size;
    private int _inUse;
    private bool _disposed;

    internal NetworkSession(CompiledModel model, PackedNetwork network, MapSize size, int maxBatch, int threads)
    {
        (Model, _size, MaxBatch, Threads) = (model, size, maxBatch, threads);
        _run = new SessionRun(network, size, model.Spec, maxBatch, threads);
    }

    /// <summary>Ends the threads of a session that was not disposed.</summary>
    ~NetworkSession() => _run?.Stop();

    /// <summary>The model.</summary>
    public CompiledModel Model { get; }

    /// <summary>The most images of one run.</summary>
    public int MaxBatch { get; }

    /// <summary>Threads that share a run, the caller's included.</summary>
    public int Threads { get; }

    /// <summary>Height of the images in pixels.</summary>
    public int Height => _size.Height;

    /// <summary>Width of the images in pixels.</summary>
    public int Width => _size.Width;

    /// <summary>Values of one image: channels × height × width.</summary>
    public int ImageLength => Model.Spec.InputChannels * _size.Pixels;

    /// <summary>Bytes that the session's buffers take.</summary>
    public long MemoryBytes => _run.MemoryBytes;

    /// <summary>Classifies images.</summary>
    /// <param name="nchw">N images [N, C, H, W], normalised as in training; N up to <see cref="MaxBatch"/> follows from the length.</param>
    /// <param name="logits">[N, classes]. An image with a pixel that is NaN gets NaN logits.</param>
    /// <exception cref="ArgumentException">A length is wrong; the message says what would be right.</exception>
    /// <exception cref="InvalidOperationException">Another thread is running the session.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    public void Run(ReadOnlySpan<float> nchw, Span<float> logits)
    {
        var images = Images(nchw.Length, nameof(nchw));
        RequireLogits(images, logits);
        using var turn = new Turn(this);
        fixed (float* pixels = nchw) _run.Run(pixels, null, images);
        _run.CopyLogits(images, logits);
    }

    /// <summary>Classifies pictures as a decoder gives them, normalised by the model's <see cref="CompiledModel.Data"/>.</summary>
    /// <param name="nhwc">N pictures [N, H, W, C] of bytes; N up to <see cref="MaxBatch"/> follows from the length.</param>
    /// <param name="logits">[N, classes].</param>
    /// <exception cref="ArgumentException">A length is wrong; the message says what would be right.</exception>
    /// <exception cref="InvalidOperationException">The model knows no normalisation, or another thread is running the session.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    public void Run(ReadOnlySpan<byte> nhwc, Span<float> logits)
    {
        var images = Images(nhwc.Length, nameof(nhwc));
        RequireLogits(images, logits);
        var data = RequireNormalization();
        using var turn = new Turn(this);
        _run.Bytes.Use(data);
        fixed (byte* pixels = nhwc) _run.Run(null, pixels, images);
        _run.CopyLogits(images, logits);
    }

    /// <summary>Classifies pictures as a decoder gives them: a byte b is seen as (b / 255 − mean) / std of its channel.</summary>
    /// <param name="nhwc">N pictures [N, H, W, C] of bytes; N up to <see cref="MaxBatch"/> follows from the length.</param>
    /// <param name="mean">By channel, in units of 0 … 1.</param>
    /// <param name="std">By channel, above 0.</param>
    /// <param name="logits">[N, classes].</param>
    /// <exception cref="ArgumentException">
    /// A length is wrong, or a number is not finite or a deviation not above 0; the message says what would be right.
    /// </exception>
    /// <exception cref="InvalidOperationException">Another thread is running the session.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    public void Run(ReadOnlySpan<byte> nhwc, ReadOnlySpan<float> mean, ReadOnlySpan<float> std, Span<float> logits)
    {
        var images = Images(nhwc.Length, nameof(nhwc));
        RequireLogits(images, logits);
        RequireChannels(mean, nameof(mean), above: float.NegativeInfinity);
        RequireChannels(std, nameof(std), above: 0);
        using var turn = new Turn(this);
        _run.Bytes.Use(mean, std);
        fixed (byte* pixels = nhwc) _run.Run(null, pixels, images);
        _run.CopyLogits(images, logits);
    }

    /// <summary>
    /// The likeliest classes of pictures as a decoder gives them, normalised by the model's <see cref="CompiledModel.Data"/>.
    /// </summary>
    /// <param name="nhwc">N pictures [N, H, W, C] of bytes; N up to <see cref="MaxBatch"/> follows from the length.</param>
    /// <param name="top">As many for each picture, up to the number of classes; likeliest first.</param>
    /// <inheritdoc cref="Run(ReadOnlySpan{byte}, Span{float})" path="/exception"/>
    public void Classify(ReadOnlySpan<byte> nhwc, Span<Prediction> top)
    {
        var images = Images(nhwc.Length, nameof(nhwc));
        RequireTop(images, top);
        var data = RequireNormalization();
        using var turn = new Turn(this);
        _run.Bytes.Use(data);
        fixed (byte* pixels = nhwc) _run.Run(null, pixels, images);
        Best(images, top);
    }

    /// <summary>The likeliest classes of images.</summary>
    /// <param name="nchw">N images [N, C, H, W], normalised as in training; N up to <see cref="MaxBatch"/> follows from the length.</param>
    /// <param name="top">As many for each image, up to the number of classes; likeliest first.</param>
    /// <inheritdoc cref="Run(ReadOnlySpan{float}, Span{float})" path="/exception"/>
    public void Classify(ReadOnlySpan<float> nchw, Span<Prediction> top)
    {
        var images = Images(nchw.Length, nameof(nchw));
        RequireTop(images, top);
        using var turn = new Turn(this);
        fixed (float* pixels = nchw) _run.Run(pixels, null, images);
        Best(images, top);
    }

    /// <summary>Where the time goes: runs images on the calling thread alone and measures each step.</summary>
    /// <param name="nchw">N images [N, C, H, W]; N up to <see cref="MaxBatch"/> follows from the length.</param>
    /// <param name="runs">How often, at least 1; a step's time is the median over the runs.</param>
    /// <returns>The steps in the order in which an image goes through them.</returns>
    /// <exception cref="ArgumentException">A length is wrong, or <paramref name="runs"/> is below 1.</exception>
    /// <exception cref="InvalidOperationException">Another thread is running the session.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    public IReadOnlyList<StepTime> Measure(ReadOnlySpan<float> nchw, int runs = 100)
    {
        var images = Images(nchw.Length, nameof(nchw));
        ArgumentOutOfRangeException.ThrowIfLessThan(runs, 1);
        using var turn = new Turn(this);
        fixed (float* pixels = nchw) return _run.Measure(pixels, images, runs);
    }

    /// <summary>Ends the session's threads. The model goes on to serve others.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _run.Stop();
        GC.SuppressFinalize(this);
    }

    private int Images(int length, string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var images = length / ImageLength;
        if (images >= 1 && images <= MaxBatch && length % ImageLength == 0) return images;
        var most = MaxBatch == 1 ? "the session takes one" : Invariant($"the session takes 1 to {MaxBatch:N0} of them");
        throw new ArgumentException(
            Invariant($"There are {length:N0} values. One image of {Model.Spec.InputChannels}×{Height}×{Width} has {ImageLength:N0}, ")
            + $"and {most} (maxBatch of CreateSession).", name);
    }

    private void RequireLogits(int images, Span<float> logits)
    {
        var classes = Model.Spec.Outputs;
        if (logits.Length != (long)images * classes)
        {
            throw new ArgumentException(
                Invariant($"There is room for {logits.Length:N0} logits; {images:N0} images × {classes:N0} ")
                + Invariant($"{(Model.Spec.NumClasses > 0 ? "classes" : "features")} are {(long)images * classes:N0}."),
                nameof(logits));
        }
    }

    private void RequireTop(int images, Span<Prediction> top)
    {
        var each = top.Length / images;
        if (each < 1 || each > Model.Spec.NumClasses || top.Length % images != 0)
        {
            throw new ArgumentException(
                Invariant($"There is room for {top.Length:N0} predictions; {images:N0} images take a multiple of {images:N0}, ")
                + Invariant($"at most {Model.Spec.NumClasses:N0} (the classes) for each."), nameof(top));
        }
    }

    private void RequireChannels(ReadOnlySpan<float> values, string name, float above)
    {
        var channels = Model.Spec.InputChannels;
        if (values.Length != channels)
        {
            throw new ArgumentException(
                Invariant($"There are {values.Length:N0} values; it is one for each of {channels:N0} channels."), name);
        }

        foreach (var value in values)
        {
            if (!float.IsFinite(value) || value <= above)
            {
                throw new ArgumentException(
                    Invariant($"A value is {value}; it must be a finite number{(above == 0 ? " above 0" : "")}."), name);
            }
        }
    }

    private DataSpec RequireNormalization() => Model.Data ?? throw new InvalidOperationException(
        $"The model does not say how its images were normalised (its file's metadata lacks '{DataSpec.MetadataKey}'); give mean and std.");

    private void Best(int images, Span<Prediction> top)
    {
        var each = top.Length / images;
        for (var image = 0; image < images; image++)
        {
            TopClasses.Find(_run.Logits(image), Model.Data?.Classes, top.Slice(image * each, each));
        }
    }

    /// <summary>While it lasts no other thread runs the session.</summary>
    private readonly ref struct Turn
    {
        private readonly NetworkSession _session;

        public Turn(NetworkSession session)
        {
            if (Interlocked.Exchange(ref session._inUse, 1) != 0)
            {
                throw new InvalidOperationException(
                    "Another thread is running this session. Give every thread its own: they share the model.");
            }

            _session = session;
        }

        public void Dispose() => Volatile.Write(ref _session._inUse, 0);
    }
}
