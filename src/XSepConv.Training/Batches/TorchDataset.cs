using static TorchSharp.torch;
using Items = System.Collections.Generic.Dictionary<string, TorchSharp.torch.Tensor>;

namespace XSepConv.Training;

/// <summary>
/// Images of a split as a data set of TorchSharp, for a loop of your own: <c>torch.utils.data.DataLoader(dataset, 32, shuffle: true)</c>
/// gives batches of <c>["data"]</c>, [N, C, H, W], and <c>["label"]</c>, [N].
/// </summary>
/// <remarks>
/// Images are varied and normalised as <see cref="Trainer"/> does it: what an image becomes depends on (seed, epoch, image), so that
/// any number of workers gives the same. Set <see cref="Epoch"/> before each pass. Mixup, which is of a batch, is left to the loop.
/// </remarks>
/// <param name="images">The split.</param>
/// <param name="normalization">That of the training images.</param>
/// <param name="augmentation">How images are varied; not at all when null.</param>
/// <param name="seed">Seeds the variation.</param>
/// <exception cref="ArgumentException">Normalisation and images do not agree, or the augmentation is out of range or mixes.</exception>
public sealed class TorchDataset(ImageSplit images, ImageNormalization normalization, Augmentation? augmentation = null, int seed = 0)
    : utils.data.Dataset
{
    internal const string Data = "data", Label = "label";

    private readonly ImageSplit _images = images;
    private readonly ImageNormalization _normalization = Checked(images, normalization);
    private readonly Augmentation _augmentation = Checked(augmentation ?? Augmentation.None);
    private int _epoch = 1;

    /// <summary>The pass over the images, from 1: another one varies them otherwise.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is below 1.</exception>
    public int Epoch
    {
        get => _epoch;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            _epoch = value;
        }
    }

    /// <summary>How many images there are.</summary>
    public override long Count => _images.Count;

    /// <summary>One image.</summary>
    /// <param name="index">0 … <see cref="Count"/> − 1.</param>
    /// <returns><c>data</c>, float32 [C, H, W], and <c>label</c>, int64 without dimensions.</returns>
    public override Items GetTensor(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        var place = (int)index;
        var values = new float[_images.ImageBytes];
        _augmentation.Apply(
            _images.Image(place), _images.Channels, _images.Height, _images.Width, _normalization,
            CounterRandom.For(seed, CounterRandom.Stream.Augmentation, _epoch, place), values);
        return new()
        {
            [Data] = tensor(values, [_images.Channels, _images.Height, _images.Width], device: CPU),
            [Label] = tensor((long)_images.Labels.Span[place], device: CPU),
        };
    }

    private static ImageNormalization Checked(ImageSplit images, ImageNormalization normalization)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(normalization);
        ImageNormalization.Require(normalization, images.Channels);
        return normalization;
    }

    private static Augmentation Checked(Augmentation augmentation)
    {
        if (augmentation.Mixup > 0)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"Mixup is {augmentation.Mixup}; it mixes the images of a batch, and here is one at a time."),
                nameof(augmentation));
        }

        return Augmentation.Checked(augmentation);
    }
}
