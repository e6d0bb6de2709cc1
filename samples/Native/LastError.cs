using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace XSepConv.Native;

/// <summary>What was wrong in a thread's last call that failed, as text for C.</summary>
internal sealed unsafe class LastError
{
    [ThreadStatic]
    private static LastError? t_last;

    private byte* _text;

    private LastError()
    {
    }

    // The thread has ended.
    ~LastError() => NativeMemory.Free(_text);

    /// <summary>Ends with a zero byte.</summary>
    public static byte* Text => t_last is { } last && last._text != null ? last._text : Literal("\0"u8);

    /// <summary>Keeps what an exception says.</summary>
    /// <returns>The code for the caller.</returns>
    public static int Set(Exception exception)
    {
        try
        {
            var (status, message) = Describe(exception);
            (t_last ??= new()).Keep(message);
            return (int)status;
        }
        catch (OutOfMemoryException)
        {
            return (int)Status.OutOfMemory;
        }
    }

    /// <summary>Constant text, which stays where it is.</summary>
    public static byte* Literal(ReadOnlySpan<byte> text) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(text));

    /// <summary>Text for C: a zero within it would end it early.</summary>
    public static byte[] Encode(string text) => Encoding.UTF8.GetBytes($"{text.Replace('\0', '\uFFFD')}\0");

    private static (Status Status, string Message) Describe(Exception exception) => exception switch
    {
        CallException call => (call.Status, call.Message),
        InvalidDataException => (Status.InvalidData, exception.Message),
        IOException or UnauthorizedAccessException => (Status.Unreadable, exception.Message),
        NotSupportedException or InvalidOperationException => (Status.Unsupported, exception.Message),
        OutOfMemoryException => (Status.OutOfMemory, $"There is not enough memory ({exception.Message.TrimEnd('.')})."),
        _ => (Status.Internal, $"{exception.GetType().Name}: {exception.Message}"),
    };

    private void Keep(string message)
    {
        var bytes = Encode(message);
        _text = (byte*)NativeMemory.Realloc(_text, (nuint)bytes.Length);
        bytes.CopyTo(new Span<byte>(_text, bytes.Length));
    }
}
