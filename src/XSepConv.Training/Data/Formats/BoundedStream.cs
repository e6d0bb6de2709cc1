namespace XSepConv.Training;

/// <summary>So many bytes of another stream, read once and in order. The other stream ending earlier is an error, not an end.</summary>
/// <param name="inner">Read from where it is.</param>
/// <param name="what">The file and the part of it, for errors.</param>
/// <param name="owns">Whether the other stream ends with this one.</param>
internal sealed class BoundedStream(Stream inner, long length, string what, bool owns = false) : Stream
{
    private long _done;

    public long Left => length - _done;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        if (Left == 0 || buffer.IsEmpty) return 0;
        var got = inner.Read(buffer[..(int)Math.Min(buffer.Length, Left)]);
        if (got == 0) throw new InvalidDataException($"{what}: ends after {_done} of {length} bytes.");
        _done += got;
        return got;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public void Fill(Span<byte> buffer)
    {
        if (buffer.Length > Left) throw new InvalidDataException($"{what}: has {Left} bytes left, {buffer.Length} are needed.");
        while (buffer.Length > 0) buffer = buffer[Read(buffer)..];
    }

    /// <summary>Reads what is left, and forgets it.</summary>
    public void Skip()
    {
        var buffer = new byte[(int)Math.Min(Left, 1 << 16)];
        while (Left > 0) Fill(buffer.AsSpan(0, (int)Math.Min(Left, buffer.Length)));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && owns) inner.Dispose();
        base.Dispose(disposing);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
