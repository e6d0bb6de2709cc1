using System.Diagnostics;
using XSepConv.Inference;
using XSepConv.Kernels;
using static System.FormattableString;

namespace XSepConv;

/// <summary>
/// A trained network, ready to classify without Torch: batch normalisation folded in, weights packed for this processor's vectors.
/// </summary>
/// <remarks>
/// Immutable; any number of sessions on any number of threads share one. Logits differ from the module's in float32 rounding only, and are
/// the same bits whatever the number of threads and the batch. A pixel that is NaN gives NaN logits for its image.
/// </remarks>
/// <example>
/// <code>
/// var model = CompiledModel.Load("best.safetensors");
/// using var session = model.CreateSession();
/// var top = new Prediction[5];
/// session.Classify(pixels, top); // height × width × channels bytes
/// </code>
/// </example>
public sealed class CompiledModel
{
    private readonly PackedNetwork _network;

    private CompiledModel(NetworkSpec spec, DataSpec? data, PackedNetwork network, TimeSpan compileTime)
    {
        (Spec, Data, _network, CompileTime) = (spec, data, network, compileTime);
    }

    /// <summary>What the network was built from.</summary>
    public NetworkSpec Spec { get; }

    /// <summary>The data it was trained on, where that is known: how pictures are normalised, their size, the classes' names.</summary>
    public DataSpec? Data { get; }

    /// <summary>How long reading, folding and packing took.</summary>
    public TimeSpan CompileTime { get; }

    /// <summary>Bytes that the packed weights take.</summary>
    public long WeightBytes => _network.WeightBytes;

    /// <summary>
    /// The kernels in use: <c>v512</c>, <c>v256</c> or <c>v128</c> by the bits of a vector, or <c>scalar</c>. The environment variable
    /// <c>XSEPCONV_KERNEL</c> forces one.
    /// </summary>
    public string Kernel => _network.Kernel;

    /// <summary>
    /// Compiles the network of a file that <c>MobileNet.SaveSafeTensors</c> or the trainer wrote: the file alone says which network it is.
    /// </summary>
    /// <param name="path">A safetensors file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is damaged, describes no network, its tensors do not fit the description (the first ten problems are listed), have 2 GiB or
    /// more, or hold values that are not finite numbers or variances that are negative.
    /// </exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidOperationException">
    /// <c>XSEPCONV_KERNEL</c> names no kernels, or such that a program compiled ahead of time does not have. Vectors that the processor
    /// lacks are emulated, slowly.
    /// </exception>
    public static CompiledModel Load(string path) => Load(path, KernelRegistry.Current.Name);

    /// <summary>The same of a file that is in memory, in a program's resources, or comes over a network.</summary>
    /// <param name="stream">A safetensors file, from the stream's position to its end. It need not be seekable, and stays open.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="InvalidDataException">As of a file that has a path.</exception>
    /// <exception cref="IOException">The stream can't be read.</exception>
    public static CompiledModel Load(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var watch = Stopwatch.StartNew();
        using var file = SafeTensors.Read(stream, name);
        return Load(file, name, KernelRegistry.Current.Name, watch);
    }

    /// <summary>Memory and steps for running the model; a session belongs to one thread at a time.</summary>
    /// <param name="maxBatch">The most images that one run may have.</param>
    /// <param name="threads">
    /// Threads that share a run, the caller's included: images first, then rows and channels of an image. More than the machine has cores
    /// only wait for each other; beyond 32 no more than its cores are started (<see cref="NetworkSession.Threads"/> says how many). Results
    /// are the same for any number.
    /// </param>
    /// <param name="height">
    /// Height of the images in pixels. Without height and width they are those of the data the network was trained on, where that is known,
    /// of at most 2²⁴ values, or <see cref="NetworkSpec.DefaultImageSize"/>; with one of them the images are square.
    /// </param>
    /// <param name="width">Width of the images in pixels.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1, or there are more than 1,024 threads.</exception>
    /// <exception cref="ArgumentException">
    /// The images are so large that a buffer would pass 2³¹ floats; or those of the data have more than 2²⁴ values, and no size is given.
    /// </exception>
    public NetworkSession CreateSession(int maxBatch = 1, int threads = 1, int? height = null, int? width = null)
    {
        const int MostThreads = 1024, MostBeyondCores = 32;
        if (Data is { } data && height is null && width is null) RequireUsualSize(data);
        var size =
            new MapSize(height ?? width ?? Data?.Height ?? Spec.DefaultImageSize, width ?? height ?? Data?.Width ?? Spec.DefaultImageSize);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBatch, 1);
        if (threads is < 1 or > MostThreads)
        {
            throw new ArgumentOutOfRangeException(nameof(threads), threads, $"Threads go from 1 to {MostThreads}.");
        }

        if (size.Height < 1) throw new ArgumentOutOfRangeException(nameof(height), size.Height, "An image is at least one pixel high.");
        if (size.Width < 1) throw new ArgumentOutOfRangeException(nameof(width), size.Width, "An image is at least one pixel wide.");
        return new NetworkSession(this, _network, size, maxBatch, Math.Min(threads, Math.Max(Environment.ProcessorCount, MostBeyondCores)));
    }

    internal static CompiledModel Load(string path, string kernel)
    {
        var watch = Stopwatch.StartNew();
        using var file = SafeTensors.Open(path);
        return Load(file, path, kernel, watch);
    }

    internal static CompiledModel Compile(NetworkSpec spec, DataSpec? data, WeightSource source, string kernel, Stopwatch watch)
    {
        var network = PackedNetwork.Create(FoldedNetwork.Of(spec, source), kernel);
        return new CompiledModel(spec, data, network, watch.Elapsed);
    }

    private static CompiledModel Load(SafeTensors file, string name, string kernel, Stopwatch watch)
    {
        var spec = DescribedNetwork.Of(file, name);
        var data = file.Described(DataSpec.MetadataKey, DataSpec.FromJson);
        if (data?.Misfit(spec) is { } problem) throw new InvalidDataException($"{name}: {problem}");

        var weights = new FileWeights(file, name);
        ExpectedTensors.RequireSize(spec, weights);
        return Compile(spec, data, weights, kernel, watch);
    }

    // Whoever wrote the file chose that size: a few bytes must not ask for gigabytes.
    private static void RequireUsualSize(DataSpec data)
    {
        const long MostValues = 1L << 24;
        if ((Int128)data.Channels * data.Height * data.Width <= MostValues) return;
        throw new ArgumentException(
            Invariant($"By its description the network was trained on {data.Channels}×{data.Height}×{data.Width} images, more than ")
            + Invariant($"{MostValues:N0} values: give height and width for a session of that size."));
    }
}
