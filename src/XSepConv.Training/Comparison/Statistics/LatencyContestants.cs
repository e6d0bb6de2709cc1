using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>The ways in which a trained network classifies one image, for <see cref="Latencies"/>.</summary>
internal sealed class LatencyContestants : IDisposable
{
    public const int WorkCount = 3;

    private readonly LoadedCheckpoint trained;
    private readonly NetworkSession session;
    private readonly Tensor image;
    private readonly float[] pixels, logits;
    private Tensor? moduleLogits;
    private XSepBackend backend = XSepBackend.Auto;

    public LatencyContestants(string path, ComparedData data)
    {
        trained = Checkpoint.Load(path);
        var random = new Random(1);
        pixels = [.. Enumerable.Range(0, data.Channels * data.Height * data.Width).Select(_ => (2 * random.NextSingle()) - 1)];
        logits = new float[data.ClassNames.Count];
        image = tensor(pixels, device: CPU).reshape(1, data.Channels, data.Height, data.Width).DetachFromDisposeScope();
        session = trained.Network.Compile().CreateSession(maxBatch: 1, threads: 1, data.Height, data.Width);
    }

    /// <summary>In the order of <see cref="Latency"/>.</summary>
    public Action[] Works =>
        [() => Forward(XSepBackend.Composed), () => Forward(XSepBackend.Auto), () => session.Run(pixels.AsSpan(), logits)];

    /// <summary>What the first two run.</summary>
    public MobileNet Network => trained.Network;

    /// <summary>What all classify, [1, C, H, W].</summary>
    public Tensor Image => image;

    /// <summary>What the module gave last, [1, classes]; null before it ran.</summary>
    public Tensor? ModuleLogits => moduleLogits;

    /// <summary>What the runtime gave last, [classes].</summary>
    public ReadOnlySpan<float> RuntimeLogits => logits;

    public void Dispose()
    {
        session.Dispose();
        image.Dispose();
        moduleLogits?.Dispose();
        trained.Dispose();
    }

    private void Forward(XSepBackend wanted)
    {
        // Setting it walks the modules: some microseconds of a millisecond, only where it changes.
        if (backend != wanted) trained.Network.SetXSepBackend(backend = wanted);
        using var noGrad = no_grad();
        moduleLogits?.Dispose();
        moduleLogits = trained.Network.call(image).DetachFromDisposeScope();
    }
}
