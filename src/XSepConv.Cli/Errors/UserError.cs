namespace XSepConv.Cli.Errors;

/// <summary>Ends the command with one line for the user.</summary>
internal sealed class UserError(string message, int exitCode = ExitCode.BadInput) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>A list in the message is shown to its end, however long it is.</summary>
    public bool ShowsAll { get; init; }
}
