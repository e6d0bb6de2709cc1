using XSepConv.Cli.Errors;
using XSepConv.Cli.Startup;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Commands;

/// <summary>
/// <c>predict --stream</c>: an answer for each line, in their order. What has come together is answered together, and nothing more is
/// read before: whoever writes faster than this answers, or reads slower, waits.
/// </summary>
internal static class PictureStream
{
    public const int MostAtOnce = 32;

    /// <summary>Goes on until the input ends, and gives the exit code.</summary>
    /// <param name="input">A path a line.</param>
    /// <param name="output">Gets a line of JSON for each, at once.</param>
    /// <param name="error">Gets one line at the end, if any failed: a stream that nobody reads must not fill.</param>
    /// <exception cref="UserError">A signal came, or a stream can't be used.</exception>
    public static int Run(PictureClassifier classifier, Stream input, TextWriter output, TextWriter error)
    {
        using var interrupts = new Interrupts();
        var lines = new PathLines(input);
        long answered = 0, failed = 0;
        try
        {
            while (lines.Next(MostAtOnce, interrupts.Token) is { Count: > 0 } names)
            {
                foreach (var answer in classifier.Classify(names))
                {
                    JsonLine.Write(output, answer.Report());
                    output.Flush();
                    answered++;
                    if (answer.Error is not null) failed++;
                }
            }
        }
        catch (OperationCanceledException) when (interrupts.Token.IsCancellationRequested)
        {
            throw new UserError($"Stopped; {answered:N0} lines were answered.", interrupts.ExitCode);
        }

        if (failed == 0) return ExitCode.Done;
        ErrorText.Write(error, $"{ErrorText.Tool} predict", $"{failed:N0} of {answered:N0} lines got an error for an answer.");
        return ExitCode.BadInput;
    }
}
