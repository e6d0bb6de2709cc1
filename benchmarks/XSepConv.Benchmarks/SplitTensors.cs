using XSepConv.Training;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks;

/// <summary>A whole split of a data set as two tensors.</summary>
internal static class SplitTensors
{
    /// <summary>Normalised images [N, C, H, W] and labels [N], for sets of one channel.</summary>
    public static (Tensor Images, Tensor Labels) Of(ImageSplit split, ImageNormalization normalization)
    {
        using var scope = NewDisposeScope();
        var bytes = tensor(split.ToArray()).reshape(split.Count, split.Channels, split.Height, split.Width);
        var images = (bytes.to(ScalarType.Float32) / 255 - normalization.Mean[0]) / normalization.Std[0];
        var labels = tensor(Array.ConvertAll(split.Labels.ToArray(), label => (long)label));
        return (images.MoveToOuterDisposeScope(), labels.MoveToOuterDisposeScope());
    }
}
