namespace XSepConv.Training;

/// <summary>So many bytes of another stream, read once and in order. The other stream ending earlier is an error, not an end.</summary>
/// <param name="inner">Read from where it is.</param>
/// <param name="what">The file and the part of it, for errors.</param>
/// <param name="owns">Whether the other stream ends with this one.</param>
internal sealed class BoundedStream(Stream inner, long length, string what, bool owns = false) : OneWayStream(reads: true)
{
    private long _done;

    public long Left => length - _done;

    public override int Read(Span<byte> buffer)
    {
        if (Left == 0 || buffer.IsEmpty) return 0;
        var got = inner.Read(buffer[..(int)Math.Min(buffer.Length, Left)]);
        if (got == 0) throw new InvalidDataException($"{what}: ends after {_done} of {length} bytes.");
        _done += got;
        return got;
    }

    public void Fill(Span<byte> buffer)
    {
        if (buffer.Length > Left) throw new InvalidDataException($"{what}: has {Left} bytes left, {buffer.Length} are needed.");
        while (buffer.Length > 0) buffer = buffer[Read(buffer)..];
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && owns) inner.Dispose();
        base.Dispose(disposing);
    }
}
