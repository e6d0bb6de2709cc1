using System.Security.Cryptography;

namespace XSepConv.Training;

/// <summary>Images of one split, in memory: bytes [count, channels, height, width], and a label for each.</summary>
public sealed class ImageSplit
{
    /// <summary>Wraps images; nothing is copied.</summary>
    /// <param name="pixels">[count, channels, height, width], one byte each.</param>
    /// <param name="labels">A class index, 0 or more, for each image.</param>
    /// <param name="channels">1 for grey, 3 for colour.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <exception cref="ArgumentException">A size is not positive, the number of bytes does not agree with the sizes, or a label is negative.</exception>
    public ImageSplit(ReadOnlyMemory<byte> pixels, ReadOnlyMemory<int> labels, int channels, int height, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (pixels.Length != (long)labels.Length * channels * height * width)
        {
            throw new ArgumentException(
                $"{labels.Length} images of {channels}×{height}×{width} are {(long)labels.Length * channels * height * width} bytes, there are {pixels.Length}.",
                nameof(pixels));
        }

        foreach (var label in labels.Span)
        {
            if (label < 0) throw new ArgumentException($"A label is {label}; labels are class indices, 0 or more.", nameof(labels));
        }

        Pixels = pixels;
        Labels = labels;
        Channels = channels;
        Height = height;
        Width = width;
    }

    /// <summary>How many images there are.</summary>
    public int Count => Labels.Length;

    /// <summary>Channels of each image.</summary>
    public int Channels { get; }

    /// <summary>Rows of each image.</summary>
    public int Height { get; }

    /// <summary>Columns of each image.</summary>
    public int Width { get; }

    /// <summary>The images, [count, channels, height, width].</summary>
    public ReadOnlyMemory<byte> Pixels { get; }

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
        return Pixels.Span.Slice(index * ImageBytes, ImageBytes);
    }

    /// <summary>The first images of the split; all of them where there are fewer.</summary>
    /// <param name="count">How many, at least 1.</param>
    public ImageSplit Take(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return count >= Count ? this : new ImageSplit(Pixels[..(count * ImageBytes)], Labels[..count], Channels, Height, Width);
    }

    /// <summary>A copy of the chosen images, in the chosen order.</summary>
    /// <param name="indices">Each 0 … <see cref="Count"/> − 1.</param>
    public ImageSplit Select(ReadOnlySpan<int> indices)
    {
        var pixels = new byte[checked(indices.Length * ImageBytes)];
        var labels = new int[indices.Length];
        for (var i = 0; i < indices.Length; i++)
        {
            Image(indices[i]).CopyTo(pixels.AsSpan(i * ImageBytes));
            labels[i] = Labels.Span[indices[i]];
        }

        return new ImageSplit(pixels, labels, Channels, Height, Width);
    }

    /// <summary>SHA-256 over sizes, labels and pixels: tells whether a resumed run sees the data it was started on.</summary>
    internal string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append([Count, Channels, Height, Width]);
        Append(Labels.Span);
        hash.AppendData(Pixels.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(ReadOnlySpan<int> values)
        {
            var bytes = new byte[values.Length * sizeof(int)];
            for (var i = 0; i < values.Length; i++)
            {
                System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i * sizeof(int)), values[i]);
            }

            hash.AppendData(bytes);
        }
    }
}
