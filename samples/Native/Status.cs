namespace XSepConv.Native;

/// <summary>The codes of xsepconv.h.</summary>
internal enum Status
{
    Ok,
    InvalidArgument,
    InvalidHandle,
    Unreadable,
    InvalidData,
    Unsupported,
    Busy,
    NotFinite,
    OutOfMemory,
    Forked,
    Internal,
}

/// <summary>A call that is refused, with the code that it returns.</summary>
internal sealed class CallException(Status status, string message) : Exception(message)
{
    public Status Status => status;

    /// <summary>An argument that does not fit.</summary>
    /// <param name="name">As xsepconv.h calls it.</param>
    /// <param name="problem">What it is and what would be right, after its name.</param>
    public static CallException Argument(string name, string problem) => new(Status.InvalidArgument, $"{name} {problem}.");
}
