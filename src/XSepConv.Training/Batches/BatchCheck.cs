using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>Holds a batch that a loop of one's own brings to what a step takes; torch would take some of it for something else.</summary>
internal static class BatchCheck
{
    /// <exception cref="ArgumentException">They are not one int64 for each image, or there are no images.</exception>
    public static void RequireLabels(Tensor images, Tensor labels)
    {
        if (CountOf(images) < 1) throw new ArgumentException("There are no images in the batch.", nameof(images));
        if (labels.dtype != ScalarType.Int64)
        {
            throw new ArgumentException($"The labels are {labels.dtype}; Int64 is right, a class index for each image.", nameof(labels));
        }

        if (WrongShape(images, labels) is { } wrong) throw new ArgumentException($"The labels {wrong}", nameof(labels));
    }

    /// <exception cref="ArgumentException">They are not one floating-point number for each image.</exception>
    public static void RequireWeights(Tensor images, Tensor weights)
    {
        if (!weights.is_floating_point())
        {
            throw new ArgumentException($"The weights are {weights.dtype}; floating-point numbers are right.", nameof(weights));
        }

        if (WrongShape(images, weights) is { } wrong) throw new ArgumentException($"The weights {wrong}", nameof(weights));
    }

    /// <param name="logits">What the network gave.</param>
    /// <param name="labels">Int64, one or more.</param>
    /// <exception cref="ArgumentException">A label is no class of the network.</exception>
    /// <exception cref="InvalidOperationException">The network gave no table of classes.</exception>
    public static void RequireClasses(Tensor logits, Tensor labels)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        if (NoTable(logits, labels.size(0)) is { } wrong) throw new InvalidOperationException($"The network {wrong}");
        var (classes, least, most) = (logits.size(1), labels.min().item<long>(), labels.max().item<long>());
        if (least >= 0 && most < classes) return;
        throw new ArgumentException(
            $"A label is {(least < 0 ? least : most)}; the network tells {classes} classes apart, so 0 to {classes - 1} are right.",
            nameof(labels));
    }

    /// <summary>What is wrong with logits that are no table of classes; null where they are one.</summary>
    public static string? NoTable(Tensor logits, long images) => logits.dim() == 2 && logits.size(0) == images ? null
        : $"gives {Listing.Shape(logits.shape)} for {images} images; [{images}, classes] is right.";

    private static string? WrongShape(Tensor images, Tensor values)
    {
        var count = CountOf(images);
        return values.dim() == 1 && values.size(0) == count ? null
            : $"have the shape {Listing.Shape(values.shape)}; [{count}] is right, one for each image.";
    }

    private static long CountOf(Tensor images) => images.dim() > 0 ? images.size(0) : 0;
}
