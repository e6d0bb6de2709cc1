namespace XSepConv.Training;

/// <summary>How training images are varied. What an image becomes depends on (seed, epoch, image) only.</summary>
/// <param name="CropPadding">Each image is moved by up to so many pixels in both directions, black coming in (a random crop of the padded image); 0 for none.</param>
/// <param name="HorizontalFlip">Whether every other image, at random, is mirrored left to right.</param>
public sealed record Augmentation(int CropPadding, bool HorizontalFlip)
{
    /// <summary>By how many degrees an image may be turned without becoming another class's; what a policy does is kept within it.</summary>
    public double LargestRotation { get; init; } = 30;

    /// <summary>Images stay as they are.</summary>
    public static Augmentation None { get; } = new(0, false);

    /// <summary>Writes one image as the network sees it in one epoch: moved, mirrored, normalised.</summary>
    /// <param name="image">[channels, height, width].</param>
    /// <param name="channels">How many planes the image has.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="normalization">From byte to number.</param>
    /// <param name="random">The draws of this image in this epoch.</param>
    /// <param name="target">[channels, height, width].</param>
    internal void Apply(
        ReadOnlySpan<byte> image, int channels, int height, int width, ImageNormalization normalization, CounterRandom random, Span<float> target)
    {
        var dy = CropPadding == 0 ? 0 : random.Next(-CropPadding, CropPadding);
        var dx = CropPadding == 0 ? 0 : random.Next(-CropPadding, CropPadding);
        var flip = HorizontalFlip && random.Next(2) == 1;
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
