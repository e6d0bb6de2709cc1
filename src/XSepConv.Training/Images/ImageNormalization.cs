using System.Collections.Immutable;

namespace XSepConv.Training;

/// <summary>What turns a byte into what the network sees: (byte / 255 − mean) / standard deviation, by channel.</summary>
public sealed class ImageNormalization : IEquatable<ImageNormalization>
{
    private readonly float[] _table;

    /// <summary>A normalisation from its numbers.</summary>
    /// <param name="mean">By channel, in units of 0 … 1.</param>
    /// <param name="std">By channel, above 0.</param>
    /// <exception cref="ArgumentException">The numbers of channels differ or are 0, or a value is not finite or not above 0.</exception>
    public ImageNormalization(IEnumerable<double> mean, IEnumerable<double> std)
    {
        Mean = [.. mean];
        Std = [.. std];
        if (Mean.IsEmpty || Mean.Length != Std.Length)
        {
            throw new ArgumentException(
                $"There are {Mean.Length} means and {Std.Length} standard deviations; one of each for every channel is right.",
                nameof(std));
        }

        if (!Mean.All(double.IsFinite)) throw new ArgumentException("A mean is not a finite number.", nameof(mean));
        if (!Std.All(s => double.IsFinite(s) && s > 0))
        {
            throw new ArgumentException("A standard deviation is not a finite number above 0.", nameof(std));
        }

        _table = new float[Mean.Length * 256];
        for (var i = 0; i < _table.Length; i++) _table[i] = (float)((((i & 255) / 255.0) - Mean[i >> 8]) / Std[i >> 8]);
    }

    /// <summary>Mean by channel, in units of 0 … 1.</summary>
    public ImmutableArray<double> Mean { get; }

    /// <summary>Standard deviation by channel.</summary>
    public ImmutableArray<double> Std { get; }

    /// <summary>How many channels it is for.</summary>
    public int Channels => Mean.Length;

    /// <summary>
    /// The normalisation that gives a split mean 0 and variance 1 in every channel. A channel that never varies is only shifted.
    /// </summary>
    /// <param name="images">At least one image.</param>
    public static ImageNormalization Of(ImageSplit images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count == 0) throw new ArgumentException("There are no images to take a mean of.", nameof(images));
        var plane = images.Height * images.Width;
        var mean = new double[images.Channels];
        var std = new double[images.Channels];
        var histograms = Histograms(images, plane);
        for (var channel = 0; channel < images.Channels; channel++)
        {
            long sum = 0, squares = 0;
            for (var value = 0; value < 256; value++)
            {
                var times = histograms[(channel * 256) + value];
                sum += times * value;
                squares += times * value * value;
            }

            var n = (double)images.Count * plane;
            var average = sum / n;
            var variance = (squares / n) - (average * average);
            mean[channel] = average / 255;
            std[channel] = variance > 1e-6 ? Math.Sqrt(variance) / 255 : 1;
        }

        return new ImageNormalization(mean, std);
    }

    /// <summary>
    /// How often each byte is there, by channel. Counted in integers: the same numbers whatever the order, and however many count.
    /// </summary>
    private static long[] Histograms(ImageSplit images, int plane)
    {
        var all = new long[images.Channels * 256];
        Parallel.ForEach(
            System.Collections.Concurrent.Partitioner.Create(0, images.Count),
            () => new long[all.Length],
            (range, _, counts) =>
            {
                for (var image = range.Item1; image < range.Item2; image++)
                {
                    var pixels = images.Image(image);
                    for (var channel = 0; channel < images.Channels; channel++)
                    {
                        var count = counts.AsSpan(channel * 256, 256);
                        foreach (var pixel in pixels.Slice(channel * plane, plane)) count[pixel]++;
                    }
                }

                return counts;
            },
            counts =>
            {
                lock (all)
                {
                    for (var i = 0; i < all.Length; i++) all[i] += counts[i];
                }
            });
        return all;
    }

    /// <inheritdoc/>
    public bool Equals(ImageNormalization? other) => other is not null && Mean.SequenceEqual(other.Mean) && Std.SequenceEqual(other.Std);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ImageNormalization);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Mean.Length, Mean[0], Std[0]);

    /// <exception cref="ArgumentException">The images have other channels.</exception>
    internal static void Require(ImageNormalization normalization, int channels, string images = "the images")
    {
        if (normalization.Misfit(channels, images) is { } misfit) throw new ArgumentException($"The {misfit}.", nameof(normalization));
    }

    /// <summary>Says that images have other channels, without the article that it begins with; or null.</summary>
    internal string? Misfit(int channels, string images = "the images") => Channels == channels ? null
        : $"normalisation is for {Channels} channels, {images} have {channels}";

    internal ReadOnlySpan<float> Table(int channel) => _table.AsSpan(channel * 256, 256);
}
