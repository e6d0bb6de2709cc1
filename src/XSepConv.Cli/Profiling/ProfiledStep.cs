using XSepConv.Cli.Errors;
using XSepConv.Cli.Startup;
using XSepConv.Inference;
using static TorchSharp.torch;

namespace XSepConv.Cli.Profiling;

/// <summary>A network and the batch whose training step is measured.</summary>
internal sealed record ProfiledStep(MobileNet Network, int Batch, int Height, int Width) : IDisposable
{
    /// <summary>A network of a file, or of a table with fresh weights.</summary>
    /// <exception cref="UserError">
    /// The batch is too small for batch norms, or the maps too large for the memory there is, or the network has no classifier.
    /// </exception>
    public static ProfiledStep Open(string? file, NetworkSpec? spec, int batch, (int Height, int Width)? size)
    {
        if (batch < 2) throw new UserError($"--batch is {batch}: batch norms in training take statistics of 2 images at least.");
        if (spec is null) (spec, size) = (Described(file!, out var own), size ?? own);
        if (spec.NumClasses == 0) throw new UserError($"{file} has no classifier: without classes there is no loss to train it by.");
        var (height, width) = size ?? (spec.DefaultImageSize, spec.DefaultImageSize);
        RequireMemory(spec, batch, height, width);
        Libtorch.Load();
        Nnpack.SwitchOffWhereUnsupported();
        random.manual_seed(1);
        var network = file is null ? new MobileNet(spec) : MobileNet.FromSafeTensors(file);
        network.train();
        return new(network, batch, height, width);
    }

    public TrainingTimes Measure(int threads)
    {
        set_num_threads(threads);
        using var scope = NewDisposeScope();
        var images = randn(Batch, Network.Spec.InputChannels, Height, Width, device: CPU);
        var labels = randint(0, Network.Spec.NumClasses, [Batch], ScalarType.Int64, device: CPU);
        var profile = ModelProfile.Of(Network, Batch, Network.Spec.InputChannels, Height, Width);
        return TrainingTimes.Measure(new(Network, images, labels, AllocatedMemory.Bytes), profile.Layers);
    }

    public void Dispose() => Network.Dispose();

    private static NetworkSpec Described(string file, out (int, int)? size)
    {
        using var tensors = SafeTensors.Open(file);
        size = tensors.Described(DataSpec.MetadataKey, DataSpec.FromJson) is { } data ? (data.Height, data.Width) : null;
        return DescribedNetwork.Of(tensors, file);
    }

    // Composed layers keep about two maps each, a convolution's and a norm's; what is fused keeps less.
    private static void RequireMemory(NetworkSpec spec, int batch, int height, int width)
    {
        const int KeptMaps = 2;
        var values = LayerCounts.Of(spec, height, width).Layers.Where(layer => layer.Kind != "batch norm")
            .Sum(layer => (double)layer.Output.Aggregate(1L, (product, extent) => product * extent));
        var (wanted, there) = (KeptMaps * sizeof(float) * values * batch, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        if (wanted <= there) return;
        const double GiB = 1L << 30;
        throw new UserError(
            $"--batch is {batch}: a step on so many images of {height}×{width} may keep {wanted / GiB:N1} GiB, and there are "
            + $"{there / GiB:N1} GiB of memory. Choose a smaller --batch or --image-size.");
    }
}
