using System.Runtime.InteropServices;
using XSepConv.Imaging;

namespace XSepConv.Native;

/// <summary>The functions of xsepconv.h about pictures.</summary>
internal static unsafe class PictureFunctions
{
    [UnmanagedCallersOnly(EntryPoint = "xsepconv_decode_file")]
    public static int DecodeFile(nint session, byte* path, byte* nhwc, nuint nhwcSize)
    {
        try
        {
            var target = Target(session, nhwc, nhwcSize, out var data, out var side);
            ImageDecoder.ReadFile(Arguments.Path(path), data, side).CopyTo(target);
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "xsepconv_decode_memory")]
    public static int DecodeMemory(nint session, byte* file, nuint size, byte* nhwc, nuint nhwcSize)
    {
        try
        {
            var target = Target(session, nhwc, nhwcSize, out var data, out var side);
            Arguments.RequireFile(file, size);
            if (size > ImageDecoder.MaxFileBytes)
            {
                throw CallException.Argument("size", $"is {size:N0}; pictures of at most {ImageDecoder.MaxFileBytes:N0} bytes are read");
            }

            var bytes = new ReadOnlySpan<byte>(file, (int)size).ToArray();
            ImageDecoder.Decode(bytes, "The file in memory", data, side).CopyTo(target);
            return (int)Status.Ok;
        }
        catch (Exception e)
        {
            return LastError.Set(e);
        }
    }

    /// <summary>Where a picture goes, and how it is prepared.</summary>
    private static Span<byte> Target(nint handle, byte* nhwc, nuint size, out DataSpec data, out int side)
    {
        var session = Handles.Find<Session>(handle, "session");
        data = session.Model.Data ?? throw new CallException(
            Status.Unsupported,
            $"The checkpoint does not say what data it was trained on (its metadata lacks '{DataSpec.MetadataKey}'); prepare the picture "
            + "yourself and call xsepconv_run.");
        side = session.Network.Height;
        if (data.Channels is not (1 or 3) || side != session.Network.Width)
        {
            throw new CallException(
                Status.Unsupported,
                $"The session takes images of {session.Shape()}; a picture becomes a square, coloured (3) or grey (1).");
        }

        if (side > ImageDecoder.LargestSide)
        {
            throw new CallException(
                Status.Unsupported,
                $"The session takes images of {session.Shape()}; a picture becomes a square of at most {ImageDecoder.LargestSide} pixels.");
        }

        return Arguments.Buffer(nhwc, size, "nhwc", "nhwc_size", session.ImageLength, $"the bytes of a picture of {session.Shape()}");
    }
}
