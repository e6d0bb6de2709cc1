using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>Images and their classes, for a step.</summary>
/// <param name="Images">[N, C, H, W], normalised.</param>
/// <param name="Labels">Class indices, [N].</param>
/// <param name="Weights">
/// Where images are mixed in pairs (<see cref="Augmentation.Mixup"/>), how much each counts itself, [N]; the next one of the batch, the
/// first after the last, counts the rest. Else null.
/// </param>
public sealed record ImageBatch(Tensor Images, Tensor Labels, Tensor? Weights = null);

/// <summary>Brings a batch into tensors.</summary>
internal static class TensorBatch
{
    /// <summary>All of them, each disposed of when the next is asked for.</summary>
    public static IEnumerable<ImageBatch> Tensors(this IEnumerable<Batch> batches, ImageSplit split, Device device)
    {
        foreach (var batch in batches)
        {
            using var images = Images(batch, split, device, ScalarType.Float32).DetachFromDisposeScope();
            using var labels = Labels(batch, device).DetachFromDisposeScope();
            using var weights = batch.IsMixed ? Weights(batch, device).DetachFromDisposeScope() : null;
            yield return new(images, labels, weights);
        }
    }

    /// <summary>The images, [N, C, H, W] and contiguous: libtorch's CPU convolutions are wrong on channels-last ones.</summary>
    public static Tensor Images(Batch batch, ImageSplit split, Device device, ScalarType dtype) =>
        Of(batch.Images, ScalarType.Float32, device, dtype, batch.Count, split.Channels, split.Height, split.Width);

    /// <summary>The classes, [N].</summary>
    public static Tensor Labels(Batch batch, Device device) => Of(batch.Labels, ScalarType.Int64, device, ScalarType.Int64, batch.Count);

    /// <summary>How much each image counts itself in a mixed batch, [N].</summary>
    public static Tensor Weights(Batch batch, Device device) =>
        Of(batch.Weights, ScalarType.Float32, device, ScalarType.Float32, batch.Count);

    private static Tensor Of<T>(Span<T> values, ScalarType type, Device device, ScalarType dtype, params long[] shape)
        where T : struct
    {
        using var scope = NewDisposeScope();
        var tensor = empty(shape, type, CPU);
        MemoryMarshal.AsBytes(values).CopyTo(tensor.bytes);
        return tensor.to(dtype, device).MoveToOuterDisposeScope();
    }
}
