using System.Buffers.Binary;
using System.Text;

namespace XSepConv.Training.Tests;

public sealed class EventFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Only => Assert.Single(Directory.GetFiles(_folder.At("tb")));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Checksums_are_those_of_TFRecords()
    {
        // CRC-32C of "123456789" is E3069283 (RFC 3720's check value); turned by 15 bits it is 2507C60D, plus A282EAD8.
        Assert.Equal(0x2507C60Du + 0xA282EAD8u, EventFile.MaskedChecksum("123456789"u8));
    }

    [Fact]
    public void A_record_is_written_as_TensorBoard_reads_it()
    {
        var events = new EventFile(_folder.At("tb"));
        events.Write([]);
        var bytes = File.ReadAllBytes(Only);
        Assert.Contains("tfevents", Path.GetFileName(Only), StringComparison.Ordinal);

        // Length, its checksum, then field 1 (a double, the time) and field 3 (a string of 13 bytes, the version), by hand from
        // event.proto.
        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        Assert.Equal(bytes.Length, 8 + 4 + length + 4);
        Assert.Equal(1 + 8 + 2 + 13, length);
        Assert.Equal(0x09, bytes[12]);
        Assert.InRange(BinaryPrimitives.ReadDoubleLittleEndian(bytes.AsSpan(13)), 1.7e9, 4e9);
        Assert.Equal(new byte[] { 0x1A, 13 }, bytes[21..23]);
        Assert.Equal("brain.Event:2", Encoding.UTF8.GetString(bytes, 23, 13));
    }

    [Fact]
    public void An_epoch_is_one_event_with_its_numbers()
    {
        var events = new EventFile(_folder.At("tb"));
        events.Write([]);
        events.Append(Epoch(1));
        events.Append(Epoch(2) with { ImagesPerSecond = 250 });
        var messages = EventFile.Read(Only).ToList();
        Assert.Equal([0, 1, 2], messages.Select(message => message.Step));
        Assert.Equal(
            [("loss/train", 2f), ("loss/validation", 4f), ("top1/train", 0.5f), ("top1/validation", 0.25f), ("learning_rate", 0.125f),
                ("images_per_second", 250f)],
            messages[2].Summary.Value.Select(value => (value.Tag, value.SimpleValue)));
    }

    [Fact]
    public void A_resumed_run_takes_back_what_it_does_again_and_keeps_the_times_of_the_rest()
    {
        var events = new EventFile(_folder.At("tb"));
        events.Write([]);
        foreach (var epoch in new[] { 1, 2, 3 }) events.Append(Epoch(epoch));
        var before = EventFile.Read(Only).ToList();

        // Killed while writing: half of a record is left, and the checkpoint is that of epoch 2.
        File.AppendAllBytes(Only, File.ReadAllBytes(Only)[..20]);
        events.Write([Epoch(1), Epoch(2)]);
        events.Append(Epoch(3) with { TrainLoss = 7 });
        var after = EventFile.Read(Only).ToList();
        Assert.Equal([0, 1, 2, 3], after.Select(message => message.Step));
        Assert.Equal(before.Take(3).Select(message => message.WallTime), after.Take(3).Select(message => message.WallTime));
        Assert.Equal(7, after[3].Summary.Value[0].SimpleValue);
    }

    [Fact]
    public void Lost_and_damaged_events_come_back_from_the_history()
    {
        var events = new EventFile(_folder.At("tb"));
        events.Write([Epoch(1), Epoch(2)]);
        var bytes = File.ReadAllBytes(Only);
        bytes[60] ^= 1;
        File.WriteAllBytes(Only, bytes);
        Assert.True(EventFile.Read(Only).Count() < 3);
        events.Write([Epoch(1), Epoch(2)]);
        Assert.Equal([0, 1, 2], EventFile.Read(Only).Select(message => message.Step));
        File.Delete(Only);
        events.Write([Epoch(1)]);
        Assert.Equal([0, 1], EventFile.Read(Only).Select(message => message.Step));
    }

    [Fact]
    public void Hostile_files_are_read_up_to_the_damage()
    {
        Directory.CreateDirectory(_folder.At("tb"));
        var path = _folder.At("tb/events.out.tfevents.1");
        var random = new Random(3);
        for (var i = 0; i < 300; i++)
        {
            var bytes = new byte[random.Next(60)];
            random.NextBytes(bytes);
            File.WriteAllBytes(path, bytes);
            Assert.Empty(EventFile.Read(path));
        }
    }

    private static EpochResult Epoch(int epoch) =>
        new(epoch, TrainLoss: epoch, TrainTop1: 0.5, ValidationLoss: 2 * epoch, ValidationTop1: 0.25, LearningRate: 0.125, Best: true);
}
