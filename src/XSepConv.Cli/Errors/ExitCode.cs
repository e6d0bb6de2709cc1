namespace XSepConv.Cli.Errors;

/// <summary>What the tool's exit status means. Listed in <c>xsepconv --help</c>.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The input was right, but the work failed: the loss became NaN, the disk is full.</summary>
    public const int Failed = 1;

    /// <summary>The input is wrong: an option, a file.</summary>
    public const int BadInput = 2;

    /// <summary>Stopped by SIGHUP, as by a terminal that is closed, after a step, saved: 128 + SIGHUP.</summary>
    public const int HungUp = 129;

    /// <summary>Stopped by Ctrl-C after a step, saved: 128 + SIGINT.</summary>
    public const int Interrupted = 130;

    /// <summary>Stopped by SIGTERM after a step, saved: 128 + SIGTERM.</summary>
    public const int Terminated = 143;
}
