namespace XSepConv.Cli.Tests;

/// <summary>Checkpoints as <c>train</c> writes them, of networks that were not trained.</summary>
internal static class TrainedFile
{
    public static DataSpec Data(int channels, int side, params string[] classes) => new(
        "folder", false, classes, [.. Enumerable.Range(0, channels).Select(i => 0.5 - (0.1 * i))], [.. Enumerable.Range(0, channels)
            .Select(i => 0.2 + (0.05 * i))], channels, side, side);

    /// <summary>A small network whose answers differ from image to image.</summary>
    /// <param name="channels">Of the images.</param>
    /// <param name="classes">That it tells apart.</param>
    /// <param name="images">What it is used to: its statistics are theirs; without, a deep network of random weights sees all
    /// alike.</param>
    public static MobileNet Network(int channels, int classes, TorchSharp.torch.Tensor? images = null)
    {
        TorchSharp.torch.random.manual_seed(5);
        var network = new MobileNet(
            MobileNetV3SmallSpec.XSep(new() { NumClasses = classes, InputChannels = channels, Preset = ImagePreset.Cifar, Width = 0.25 }));
        using var noGrad = TorchSharp.torch.no_grad();
        foreach (var (name, value) in network.named_parameters())
        {
            if (name.StartsWith("linear", StringComparison.Ordinal) && name.EndsWith("weight", StringComparison.Ordinal))
            {
                value.normal_(0, 0.2);
            }
        }

        network.train();
        foreach (var norm in network.modules().OfType<TorchSharp.Modules.NormBase>()) norm.momentum = 1;
        using (TorchSharp.torch.NewDisposeScope())
        {
            network.call(images ?? TorchSharp.torch.randn(16, channels, 20, 20));
        }

        network.eval();
        return network;
    }

    public static string Write(string path, MobileNet network, DataSpec? data)
    {
        network.SaveSafeTensors(path);
        if (data is null) return path;
        List<SafeTensor> tensors;
        Dictionary<string, string> metadata;
        using (var file = SafeTensors.Open(path))
        {
            tensors = [.. file.Tensors.Values.Select(info => new SafeTensor(info.Name, info.Type, info.Shape, file.ReadBytes(info.Name)))];
            metadata = new(file.Metadata) { [DataSpec.MetadataKey] = data.ToJson() };
        }

        SafeTensors.Write(path, tensors, metadata);
        return path;
    }
}
