using System.Buffers;
using System.Globalization;

namespace XSepConv.Training;

/// <summary>How training images are varied. What an image becomes depends on (seed, epoch, image) only.</summary>
/// <remarks>In this order: a random policy, colours, move and mirror, normalisation, erasing; then, in the batch, mixup.</remarks>
/// <param name="CropPadding">
/// Each image is moved by up to so many pixels in both directions, black coming in (a random crop of the padded image); 0 for none.
/// </param>
/// <param name="HorizontalFlip">Whether every other image, at random, is mirrored left to right.</param>
public sealed record Augmentation(int CropPadding, bool HorizontalFlip)
{
    /// <summary>Brightness, contrast and saturation are each multiplied by a number from 1 − this to 1 + this; in [0, 1).</summary>
    public double ColorJitter { get; init; }

    /// <summary>
    /// The share of images of which a rectangle (2 to 33 % of the area) is replaced by the mean (random erasing, Zhong et al. 2017); 0 … 1.
    /// </summary>
    public double Erasing { get; init; }

    /// <summary>How many operations are drawn for each image (RandAugment, Cubuk et al. 2019); 0 for none, at most 8.</summary>
    public int PolicyOperations { get; init; }

    /// <summary>How strong these are, 0 … 1; the paper's scale of 30 steps, divided by 30.</summary>
    public double PolicyMagnitude { get; init; }

    /// <summary>
    /// By how many degrees an image may be turned without becoming another class's: what the policy turns by at magnitude 1.
    /// </summary>
    public double LargestRotation { get; init; } = 30;

    /// <summary>
    /// α of mixup (Zhang et al. 2017): images and targets of a batch are mixed in pairs, with weights from Beta(α, α); 0 for none, at most
    /// 1.
    /// </summary>
    public double Mixup { get; init; }

    /// <summary>Images stay as they are.</summary>
    public static Augmentation None { get; } = new(0, false);

    /// <summary>All of it in words.</summary>
    public string Describe()
    {
        var culture = CultureInfo.InvariantCulture;
        var parts = new List<string>();
        if (CropPadding > 0) parts.Add(string.Create(culture, $"moved by up to {CropPadding} pixels"));
        if (HorizontalFlip) parts.Add("half of them mirrored");
        else if (CropPadding > 0) parts.Add("not mirrored");
        if (ColorJitter > 0) parts.Add(string.Create(culture, $"colours varied by {100 * ColorJitter:0.#} %"));
        if (PolicyOperations > 0)
        {
            parts.Add(string.Create(culture, $"{PolicyOperations} random operations of strength {PolicyMagnitude:0.##} (turned by at most "
                + $"{LargestRotation * PolicyMagnitude:0.#}°)"));
        }

        if (Erasing > 0) parts.Add(string.Create(culture, $"a part erased from {100 * Erasing:0.#} %"));
        if (Mixup > 0) parts.Add(string.Create(culture, $"mixed in pairs (α {Mixup:0.##})"));
        return parts.Count == 0 ? "not augmented" : string.Join(", ", parts);
    }

    /// <exception cref="ArgumentException">A value is out of range.</exception>
    internal static Augmentation Checked(Augmentation augmentation) => augmentation.Problems().FirstOrDefault() is { } problem
        ? throw new ArgumentException($"The augmentation does not work: {problem}.", nameof(augmentation))
        : augmentation;

    internal IEnumerable<string> Problems() => Wrong().Select(FormattableString.Invariant);

    private IEnumerable<FormattableString> Wrong()
    {
        if (CropPadding is < 0 or > 1024) yield return $"crop padding is {CropPadding}, it must be from 0 to 1024";
        if (!(ColorJitter is >= 0 and < 1)) yield return $"colour jitter is {ColorJitter}, it must be at least 0 and below 1";
        if (!(Erasing is >= 0 and <= 1)) yield return $"the share of erased images is {Erasing}, it must be from 0 to 1";
        if (PolicyOperations is < 0 or > 8) yield return $"the policy has {PolicyOperations} operations, it must have from 0 to 8";
        if (!(PolicyMagnitude is >= 0 and <= 1)) yield return $"the policy's magnitude is {PolicyMagnitude}, it must be from 0 to 1";
        if (!(LargestRotation is >= 0 and <= 180)) yield return $"the largest rotation is {LargestRotation}°, it must be from 0 to 180";
        if (!(Mixup is >= 0 and <= 1)) yield return $"mixup's α is {Mixup}, it must be from 0 to 1";
    }

    /// <summary>Writes one image as the network sees it in one epoch, but for mixup.</summary>
    /// <param name="image">[channels, height, width].</param>
    /// <param name="random">The draws of this image in this epoch.</param>
    /// <param name="target">[channels, height, width].</param>
    internal void Apply(
        ReadOnlySpan<byte> image, int channels, int height, int width, ImageNormalization normalization, CounterRandom random,
        Span<float> target)
    {
        // Drawn first, whatever else is done, so that a stronger augmentation moves and mirrors the same images in the same way.
        var dy = CropPadding == 0 ? 0 : random.Next(-CropPadding, CropPadding);
        var dx = CropPadding == 0 ? 0 : random.Next(-CropPadding, CropPadding);
        var flip = HorizontalFlip && random.Next(2) == 1;
        if (PolicyOperations == 0 && ColorJitter == 0)
        {
            MoveAndNormalize(image, channels, height, width, dy, dx, flip, normalization, target);
        }
        else
        {
            var rented = ArrayPool<byte>.Shared.Rent(2 * image.Length);
            var changed = new PixelImage(
                rented.AsSpan(0, image.Length), rented.AsSpan(image.Length, image.Length), channels, height, width);
            image.CopyTo(changed.Pixels);
            for (var i = 0; i < PolicyOperations; i++) RandomPolicy.Apply(changed, PolicyMagnitude, LargestRotation, ref random);
            if (ColorJitter > 0) ColorOperations.Jitter(changed, ColorJitter, ref random);
            MoveAndNormalize(changed.Pixels, channels, height, width, dy, dx, flip, normalization, target);
            ArrayPool<byte>.Shared.Return(rented);
        }

        if (Erasing > 0 && random.NextDouble() < Erasing) RandomErasing.Apply(target, channels, height, width, ref random);
    }

    private static void MoveAndNormalize(
        ReadOnlySpan<byte> image, int channels, int height, int width, int dy, int dx, bool flip, ImageNormalization normalization,
        Span<float> target)
    {
        for (var channel = 0; channel < channels; channel++)
        {
            var table = normalization.Table(channel);
            for (var y = 0; y < height; y++)
            {
                var row = target.Slice(((channel * height) + y) * width, width);
                var from = y + dy;
                if (from < 0 || from >= height)
                {
                    row.Fill(table[0]);
                    continue;
                }

                var source = image.Slice(((channel * height) + from) * width, width);
                for (var x = 0; x < width; x++)
                {
                    var column = (flip ? width - 1 - x : x) + dx;
                    row[x] = table[(uint)column < (uint)width ? source[column] : 0];
                }
            }
        }
    }
}
