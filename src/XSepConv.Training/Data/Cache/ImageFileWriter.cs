using System.Runtime.InteropServices;

namespace XSepConv.Training;

/// <summary>The three splits of an image file, in the order in which they are written.</summary>
internal enum SplitKind
{
    Train,

    /// <summary>A validation split of the set's own.</summary>
    Validation,

    Test,
}

/// <summary>Writes an image file: images as they come, then labels, class names and the first page.</summary>
internal sealed class ImageFileWriter : IDisposable
{
    private readonly Stream _target;
    private readonly (int Channels, int Height, int Width) _shape;
    private readonly IProgress<DatasetProgress>? _progress;
    private readonly string _what;
    private readonly ImageFile.Digester _digest = new();
    private readonly long[] _counts = new long[3];
    private readonly List<int>[] _labels = [[], [], []];
    private readonly byte[] _page = new byte[ImageFile.HeaderBytes];
    private int _last;

    /// <summary>Begins a file.</summary>
    /// <param name="target">Empty and seekable.</param>
    public ImageFileWriter(
        Stream target, (int Channels, int Height, int Width) shape, string what, IProgress<DatasetProgress>? progress,
        CancellationToken cancel)
    {
        (_target, _shape, _what, _progress, Cancel) = (target, shape, what, progress, cancel);
        Write(_page);
    }

    public CancellationToken Cancel { get; }

    public int ImageBytes => _shape.Channels * _shape.Height * _shape.Width;

    public (int Channels, int Height, int Width) Shape => _shape;

    /// <summary>How many images are expected, for progress; 0 where not known.</summary>
    public int Expected { get; set; }

    public int Count => (int)_counts.Sum();

    /// <summary>Whether the file can't be written, which is then what an exception is about.</summary>
    public bool HasFailed { get; private set; }

    public ImageFileNotes Notes { get; set; } = ImageFileNotes.None;

    /// <summary>Adds an image, [channels, height, width], and its class.</summary>
    public void Add(SplitKind split, ReadOnlySpan<byte> image, int label)
    {
        AddImage(split, image);
        AddLabel(split, label);
    }

    /// <summary>Adds an image whose class comes later.</summary>
    public void AddImage(SplitKind split, ReadOnlySpan<byte> image)
    {
        Cancel.ThrowIfCancellationRequested();
        if (image.Length != ImageBytes)
        {
            throw new ArgumentException($"An image has {image.Length} bytes, {ImageBytes} are right.", nameof(image));
        }

        if ((int)split < _last) throw new InvalidOperationException($"An image of the split {split} comes after those of a later one.");
        _last = (int)split;
        Write(image);
        _digest.Append(image);
        _counts[(int)split]++;
        var done = _counts.Sum();
        if (done % 1_000 == 0) _progress?.Report(new DecodeProgress(_what, (int)done, Expected));
    }

    /// <summary>Adds the class of the next image without one.</summary>
    public void AddLabel(SplitKind split, int label) => _labels[(int)split].Add(label);

    /// <summary>Writes labels, class names, notes and the first page.</summary>
    /// <param name="classNames">In the order of the labels.</param>
    /// <param name="source">SHA-256, in hexadecimal, of what was decoded.</param>
    public void Finish(IReadOnlyList<string> classNames, string source)
    {
        for (var split = 0; split < 3; split++)
        {
            if (_labels[split].Count != _counts[split])
            {
                throw new InvalidOperationException(
                    $"The split {(SplitKind)split} has {_counts[split]} images and {_labels[split].Count} labels.");
            }

            Append(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_labels[split])));
        }

        var notes = Notes.ToBytes(classNames);
        Append(notes);
        var (channels, height, width) = _shape;
        var file = new ImageFile(channels, height, width, _counts[0], _counts[1], _counts[2], notes.Length, source, _digest.Result());
        _target.Position = 0;
        Write(file.ToHeader());
        _progress?.Report(new DecodeProgress(_what, (int)file.Count, (int)file.Count));
    }

    public void Dispose() => _digest.Dispose();

    private void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _target.Write(bytes);
        }
        catch
        {
            HasFailed = true;
            throw;
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        Write(bytes);
        _digest.Append(bytes);
    }
}
