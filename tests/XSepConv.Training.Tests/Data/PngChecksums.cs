using System.Buffers.Binary;
using System.IO.Hashing;

namespace XSepConv.Training.Tests;

/// <summary>PNG files that were changed on purpose, with the checksums of what they are now.</summary>
internal static class PngChecksums
{
    /// <summary>As far as there are whole chunks.</summary>
    public static byte[] Mended(byte[] png)
    {
        const int magic = 8, frame = 12;
        var mended = png.ToArray();
        for (long at = magic; at + frame <= mended.Length;)
        {
            long length = BinaryPrimitives.ReadUInt32BigEndian(mended.AsSpan((int)at));
            if (length > mended.Length - at - frame) break;
            BinaryPrimitives.WriteUInt32BigEndian(
                mended.AsSpan((int)(at + 8 + length)), Crc32.HashToUInt32(mended.AsSpan((int)at + 4, 4 + (int)length)));
            at += frame + length;
        }

        return mended;
    }
}
