namespace XSepConv;

/// <summary>A stream that goes on in one direction: nobody seeks in it, and it does not know its length. It reads or writes.</summary>
internal abstract class OneWayStream(bool reads) : Stream
{
    public override bool CanRead => reads;

    public override bool CanSeek => false;

    public override bool CanWrite => !reads;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) =>
        reads ? Read(buffer.AsSpan(offset, count)) : throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count)
    {
        if (reads) throw new NotSupportedException();
        Write(buffer.AsSpan(offset, count));
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
