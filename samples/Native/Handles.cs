using System.Collections.Concurrent;

namespace XSepConv.Native;

/// <summary>What C holds, by number. A number is never given out twice, and nothing is ever read through one.</summary>
internal static class Handles
{
    // Odd, so that each count has a number of its own, and far apart from the others': chance does not meet one.
    private const ulong Spread = 0x9E37_79B9_7F4A_7C15;

    private static readonly ConcurrentDictionary<ulong, object> s_open = new();

    private static readonly ulong s_inverse = Inverse(Spread);

    private static long s_given;

    public static nint Add(object target)
    {
        var handle = (ulong)Interlocked.Increment(ref s_given) * Spread;
        s_open[handle] = target;
        return (nint)handle;
    }

    /// <param name="handle">As C gave it.</param>
    /// <param name="name">Of the parameter: <c>model</c> or <c>session</c>.</param>
    /// <exception cref="CallException">It is no handle, or that of something else.</exception>
    public static T Find<T>(nint handle, string name)
        where T : class
    {
        Forks.Refuse();
        if (handle == 0)
        {
            var maker = name == "model" ? "xsepconv_load" : "xsepconv_create_session";
            throw new CallException(Status.InvalidHandle, $"{name} is NULL; give what {maker} wrote.");
        }

        var target = Find(handle, name);
        return target as T ?? throw new CallException(
            Status.InvalidHandle, $"{name} is the handle of a {(target is Session ? "session" : "model")}; give that of a {name}.");
    }

    /// <exception cref="CallException">It is no handle, or a session that is running.</exception>
    public static void Free(nint handle)
    {
        Forks.Refuse();
        if (handle == 0) return;
        (Find(handle, "handle") as Session)?.End();

        // Of two threads that free one model at once, the second one is late.
        if (!s_open.TryRemove((ulong)handle, out _)) throw Unknown(handle, "handle");
    }

    private static object Find(nint handle, string name) =>
        s_open.TryGetValue((ulong)handle, out var target) ? target : throw Unknown(handle, name);

    private static CallException Unknown(nint handle, string name)
    {
        var count = unchecked((ulong)handle * s_inverse);
        return new(Status.InvalidHandle, count >= 1 && count <= (ulong)Volatile.Read(ref s_given)
            ? $"{name} was freed already."
            : $"{name} is 0x{handle:x}, which is no handle: it was never given out. Give the handle itself, not the address of a variable "
                + "that holds it.");
    }

    // Modulo 2⁶⁴, by Newton's method: every step doubles the bits that are right.
    private static ulong Inverse(ulong odd)
    {
        var inverse = odd;
        for (var bits = 3; bits < 64; bits *= 2) inverse = unchecked(inverse * (2 - (odd * inverse)));
        return inverse;
    }
}
