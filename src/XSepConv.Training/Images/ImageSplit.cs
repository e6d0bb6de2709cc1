using System.Buffers.Binary;
using System.Security.Cryptography;

namespace XSepConv.Training;

/// <summary>Images of one split: bytes [channels, height, width] each, and a label for each.</summary>
public sealed class ImageSplit
{
    private readonly ImageStore _store;
    private readonly int[]? _places;

    /// <summary>Wraps images; nothing is copied.</summary>
    /// <param name="pixels">[count, channels, height, width], one byte each.</param>
    /// <param name="labels">A class index, 0 or more, for each image.</param>
    /// <param name="channels">1 for grey, 3 for colour; of any other number, which have none, saturation stays as it is.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <exception cref="ArgumentException">
    /// A size is not positive, the number of bytes does not agree with the sizes, or a label is negative.
    /// </exception>
    public ImageSplit(ReadOnlyMemory<byte> pixels, ReadOnlyMemory<int> labels, int channels, int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (pixels.Length != (long)labels.Length * channels * height * width)
        {
            throw new ArgumentException(
                $"{labels.Length} images of {channels}×{height}×{width} are {(long)labels.Length * channels * height * width} bytes, "
                + $"there are {pixels.Length}.",
                nameof(pixels));
        }

        foreach (var label in labels.Span)
        {
            if (label < 0) throw new ArgumentException($"A label is {label}; labels are class indices, 0 or more.", nameof(labels));
        }

        (_store, Labels, Channels, Height, Width) =
            (new MemoryImageStore(pixels, channels * height * width), labels, channels, height, width);
    }

    /// <summary>Images of a store; those at the given places, in that order, or all of them when null.</summary>
    internal ImageSplit(ImageStore store, int[]? places, ReadOnlyMemory<int> labels, int channels, int height, int width) =>
        (_store, _places, Labels, Channels, Height, Width) = (store, places, labels, channels, height, width);

    /// <summary>How many images there are.</summary>
    public int Count => Labels.Length;

    /// <summary>Channels of each image.</summary>
    public int Channels { get; }

    /// <summary>Rows of each image.</summary>
    public int Height { get; }

    /// <summary>Columns of each image.</summary>
    public int Width { get; }

    /// <summary>The class of each image.</summary>
    public ReadOnlyMemory<int> Labels { get; }

    /// <summary>Bytes of one image.</summary>
    public int ImageBytes => Channels * Height * Width;

    /// <summary>The bytes of one image, [channels, height, width].</summary>
    /// <param name="index">0 … <see cref="Count"/> − 1.</param>
    public ReadOnlySpan<byte> Image(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return _store.Image(_places is null ? index : _places[index]);
    }

    /// <summary>A copy of all images, [count, channels, height, width].</summary>
    /// <exception cref="OverflowException">They are more than 2 GB.</exception>
    public byte[] ToArray()
    {
        var pixels = new byte[checked(Count * ImageBytes)];
        for (var i = 0; i < Count; i++) Image(i).CopyTo(pixels.AsSpan(i * ImageBytes));
        return pixels;
    }

    /// <summary>The chosen images, in the chosen order; their bytes stay where they are.</summary>
    /// <param name="indices">Each 0 … <see cref="Count"/> − 1.</param>
    public ImageSplit Select(ReadOnlySpan<int> indices)
    {
        var places = new int[indices.Length];
        var labels = new int[indices.Length];
        for (var i = 0; i < indices.Length; i++)
        {
            var index = indices[i];
            ArgumentOutOfRangeException.ThrowIfNegative(index, nameof(indices));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count, nameof(indices));
            places[i] = _places is null ? index : _places[index];
            labels[i] = Labels.Span[index];
        }

        return new ImageSplit(_store, places, labels, Channels, Height, Width);
    }

    /// <summary>Whether there are several images and all have the same pixels.</summary>
    internal bool IsOneImage
    {
        get
        {
            for (var i = 1; i < Count; i++)
            {
                if (!Image(i).SequenceEqual(Image(0))) return false;
            }

            return Count > 1;
        }
    }

    /// <summary>What the first image is, for errors: its colour, where it has but one.</summary>
    internal string FirstInWords
    {
        get
        {
            var image = Image(0);
            var plane = Height * Width;
            var color = new byte[Channels];
            for (var channel = 0; channel < Channels; channel++)
            {
                var values = image.Slice(channel * plane, plane);
                if (values.ContainsAnyExcept(color[channel] = values[0])) return "a picture of several colours";
            }

            return Channels == 3
                ? $"nothing but {new Rgb(color[0], color[1], color[2])}"
                : $"nothing but the value {string.Join(", ", color)}";
        }
    }

    internal ImageSplit Relabelled(Func<int, int> label) =>
        new(_store, _places, Labels.ToArray().Select(label).ToArray(), Channels, Height, Width);

    /// <summary>
    /// SHA-256 over sizes, labels and pixels, or what names the pixels: tells whether a resumed run sees the data it was started on.
    /// </summary>
    internal string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append([Count, Channels, Height, Width]);
        Append(Labels.Span);
        if (_store.Digest is { } digest)
        {
            hash.AppendData(Convert.FromHexString(digest));
            Append(_places ?? [.. Enumerable.Range(0, Count)]);
        }
        else
        {
            for (var i = 0; i < Count; i++) hash.AppendData(Image(i));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(ReadOnlySpan<int> values)
        {
            var bytes = new byte[values.Length * sizeof(int)];
            for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i * sizeof(int)), values[i]);
            hash.AppendData(bytes);
        }
    }
}
