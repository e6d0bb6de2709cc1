using System.Buffers.Binary;
using System.Numerics;
using Google.Protobuf;
using Tensorboard;

namespace XSepConv.Training;

/// <summary>
/// The run's events for TensorBoard, one file of TFRecords in a folder of its own. The messages are TorchSharp's; its <c>SummaryWriter</c>
/// is not used, because it gives times in ticks or as a float (steps of two minutes), puts the host's name into the file's, and can't take
/// back what a resumed run does again.
/// </summary>
internal sealed class EventFile(string folder)
{
    private const string Pattern = "*tfevents*";
    private const string FileVersion = "brain.Event:2";

    // A record is its length, the length's checksum, the message and its checksum.
    private const int HeaderLength = sizeof(ulong) + sizeof(uint);
    private const int LongestRecord = 1 << 20;

    private string? _path;

    /// <summary>
    /// Makes the events be exactly those of some epochs: what is there keeps its times, what is beyond or damaged goes, what was lost comes
    /// back.
    /// </summary>
    public void Write(IReadOnlyList<EpochResult> history)
    {
        var old = Directory.Exists(folder) ? Directory.GetFiles(folder, Pattern) : [];
        var read = old.SelectMany(Read).ToList();
        var known = read.Where(message => message.Summary is not null).GroupBy(message => message.Step).ToDictionary(
            group => group.Key, group => group.Last());
        var head = read.Find(message => message.FileVersion == FileVersion) ?? new() { FileVersion = FileVersion, WallTime = Now() };
        var messages = new List<Event> { head };
        messages.AddRange(
            history.Select(result => known.TryGetValue(result.Epoch, out var message) && Says(message, result) ? message : Of(result)));
        Directory.CreateDirectory(folder);

        // TensorBoard reads the files of a folder in the order of their names, and goes on with the last.
        var path = _path = old.Order(StringComparer.Ordinal).FirstOrDefault() ?? Path.Combine(
            folder, $"events.out.tfevents.{(long)Now()}.xsepconv");
        AtomicFile.Write(path, stream =>
        {
            foreach (var message in messages) WriteRecord(stream, message);
        });
        foreach (var other in old.Where(other => other != path)) File.Delete(other);
    }

    public void Append(EpochResult result)
    {
        using var stream = RegularFile.OpenWrite(
            _path ?? throw new InvalidOperationException("Write comes first."), FileMode.Append, FileAccess.Write, FileShare.Read);
        WriteRecord(stream, Of(result));
    }

    public static void Clear(string folder)
    {
        if (!Directory.Exists(folder)) return;
        foreach (var path in Directory.GetFiles(folder, Pattern)) File.Delete(path);
    }

    /// <summary>CRC-32C, turned and shifted as TFRecords have it.</summary>
    internal static uint MaskedChecksum(ReadOnlySpan<byte> bytes)
    {
        var checksum = uint.MaxValue;
        foreach (var value in bytes) checksum = BitOperations.Crc32C(checksum, value);
        return BitOperations.RotateRight(~checksum, 15) + 0xA282EAD8;
    }

    /// <summary>The messages of a file up to the first that is damaged or cut off.</summary>
    internal static IEnumerable<Event> Read(string path)
    {
        var bytes = RegularFile.ReadAllBytes(path);
        for (var at = 0; bytes.Length - at >= HeaderLength;)
        {
            var length = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
            if (length > LongestRecord || (long)length > bytes.Length - at - HeaderLength - sizeof(uint)) yield break;
            var (data, end) = (at + HeaderLength, at + HeaderLength + (int)length);
            if (BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + sizeof(ulong))) != MaskedChecksum(bytes.AsSpan(at, sizeof(ulong)))
                || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(end)) != MaskedChecksum(bytes.AsSpan(data, (int)length)))
            {
                yield break;
            }

            yield return Event.Parser.ParseFrom(bytes, data, (int)length);
            at = end + sizeof(uint);
        }
    }

    private static void WriteRecord(Stream stream, Event message)
    {
        var data = message.ToByteArray();
        var record = new byte[HeaderLength + data.Length + sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(sizeof(ulong)), MaskedChecksum(record.AsSpan(0, sizeof(ulong))));
        data.CopyTo(record, HeaderLength);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(HeaderLength + data.Length), MaskedChecksum(data));
        stream.Write(record);
    }

    private static Event Of(EpochResult result)
    {
        var summary = new Summary();
        foreach (var (tag, value) in Scalars(result)) summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)value });
        return new Event { Step = result.Epoch, WallTime = Now(), Summary = summary };
    }

    private static bool Says(Event message, EpochResult result) =>
        Scalars(result.Timeless).All(
            scalar => message.Summary.Value.Any(value => value.Tag == scalar.Tag && value.SimpleValue == (float)scalar.Value));

    private static IEnumerable<(string Tag, double Value)> Scalars(EpochResult result)
    {
        yield return ("loss/train", result.TrainLoss);
        yield return ("loss/validation", result.ValidationLoss);
        yield return ("top1/train", result.TrainTop1);
        yield return ("top1/validation", result.ValidationTop1);
        yield return ("learning_rate", result.LearningRate);
        if (result.ImagesPerSecond is { } speed) yield return ("images_per_second", speed);
    }

    private static double Now() => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;
}
