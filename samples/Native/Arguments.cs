using System.Runtime.InteropServices;
using System.Text;

namespace XSepConv.Native;

/// <summary>What C gives, looked at before it is used. Names are those of xsepconv.h.</summary>
internal static unsafe class Arguments
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static void RequireTarget(void* target, string name)
    {
        if (target == null) throw CallException.Argument(name, "is NULL; give the address of a variable");
    }

    public static string Path(byte* path)
    {
        if (path == null) throw CallException.Argument("path", "is NULL; give the name of a file");
        var bytes = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(path);
        if (bytes.IsEmpty) throw CallException.Argument("path", "is empty; give the name of a file");
        try
        {
            return s_strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw CallException.Argument("path", $"is not UTF-8 ('{Encoding.UTF8.GetString(bytes)}'); give the file's name in UTF-8");
        }
    }

    /// <summary>A file in memory.</summary>
    public static void RequireFile(void* file, nuint size)
    {
        if (file == null) throw CallException.Argument("file", "is NULL; give the address of a file's bytes");
        if (size == 0 || (ulong)size > long.MaxValue)
        {
            throw CallException.Argument("size", $"is {size:N0}; give the number of the file's bytes");
        }
    }

    /// <summary>A buffer whose length must be what it is.</summary>
    public static Span<T> Buffer<T>(T* buffer, nuint count, string name, string countName, long expected, string because)
        where T : unmanaged
    {
        if (count != (nuint)expected) throw CallException.Argument(countName, $"is {count:N0}; it must be {expected:N0}, {because}");
        return buffer == null ? throw CallException.Argument(name, "is NULL; give the address of a buffer") : new(buffer, (int)expected);
    }

    /// <summary>A model that is asked for classes.</summary>
    public static void RequireClassifier(CompiledModel model)
    {
        if (model.Spec.NumClasses > 0) return;
        throw new CallException(Status.Unsupported, "The network has no classifier: it gives features; call xsepconv_run.");
    }

    /// <summary>A number of a session that is to be made.</summary>
    public static void RequireBetween(int value, int least, int most, string name)
    {
        if (value < least || value > most) throw CallException.Argument(name, $"is {value:N0}; it must be {least:N0} to {most:N0}");
    }
}
