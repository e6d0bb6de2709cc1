namespace XSepConv.Cli.Errors;

/// <summary>Ends the command with one line for the user.</summary>
internal sealed class UserError(string message, int exitCode = ExitCode.BadInput) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>An argument error of the library, without the name of its parameter.</summary>
    public static UserError From(ArgumentException e)
    {
        var parameter = e.Message.LastIndexOf(" (Parameter '", StringComparison.Ordinal);
        return new(parameter < 0 ? e.Message : e.Message[..parameter]);
    }
}
