using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>Brings a batch into tensors.</summary>
internal static class TensorBatch
{
    /// <summary>The images, [N, C, H, W] and contiguous: libtorch's CPU convolutions are wrong on channels-last ones.</summary>
    public static Tensor Images(Batch batch, ImageSplit split, Device device, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var images = empty([batch.Count, split.Channels, split.Height, split.Width], ScalarType.Float32);
        MemoryMarshal.AsBytes(batch.Images).CopyTo(images.bytes);
        return images.to(dtype, device).MoveToOuterDisposeScope();
    }

    /// <summary>The classes, [N].</summary>
    public static Tensor Labels(Batch batch, Device device)
    {
        using var scope = NewDisposeScope();
        var labels = empty([batch.Count], ScalarType.Int64);
        MemoryMarshal.AsBytes(batch.Labels).CopyTo(labels.bytes);
        return labels.to(device).MoveToOuterDisposeScope();
    }

    /// <summary>How much each image counts itself in a mixed batch, [N].</summary>
    public static Tensor Weights(Batch batch, Device device)
    {
        using var scope = NewDisposeScope();
        var weights = empty([batch.Count], ScalarType.Float32);
        MemoryMarshal.AsBytes(batch.Weights).CopyTo(weights.bytes);
        return weights.to(device).MoveToOuterDisposeScope();
    }
}
