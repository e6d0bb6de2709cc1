using System.Runtime.InteropServices;
using XSepConv.Cli.Terminal;
using XSepConv.Training;

namespace XSepConv.Cli.Errors;

/// <summary>What a user is told about an error.</summary>
internal static class ErrorText
{
    /// <summary>The program's name as it is typed.</summary>
    public const string Tool = "xsepconv";

    // .NET's words, to be told from those of one who says more.
    private const string CouldNotFind = "Could not find file";

    private const string Item = "\n- ";
    private const int MostItems = 50;
    private const int NarrowestText = 40;

    private const string TraceVariable = "XSEPCONV_STACKTRACE";

    /// <summary>Whether the user asked for the places of an error, too.</summary>
    public static bool WithTrace => Environment.GetEnvironmentVariable(TraceVariable) == "1";

    /// <summary>What to say about an exception, and what to exit with.</summary>
    public static (string Message, int ExitCode) Explain(Exception e) => e switch
    {
        UserError error => (error.Message, error.ExitCode),

        // What decodes on all cores wraps what the first of them met.
        AggregateException { InnerException: { } inner } => Explain(inner),
        TrainingStorageException => (e.Message, ExitCode.Failed),
        _ when IsFull(e) => (e.Message, ExitCode.Failed),
        TrainingRefusedException refused => (refused.Message, ExitCode.BadInput),
        TrainingDivergedException or TrainingMemoryException or DllNotFoundException => (e.Message, ExitCode.Failed),

        // What was typed was wrong for the library, whose parameter is nothing to the user.
        ArgumentException and not ArgumentNullException => (WithoutParameter(e.Message), ExitCode.BadInput),
        FileNotFoundException { FileName: { } missing }
            when !File.Exists(missing) && e.Message.StartsWith(CouldNotFind, StringComparison.Ordinal) =>
            ($"There is no file '{missing}'.", ExitCode.BadInput),
        IOException or UnauthorizedAccessException or InvalidDataException or FormatException or NotSupportedException =>
            (e.Message, ExitCode.BadInput),
        ExternalException torch => ($"libtorch: {torch.Message.Split("Exception raised from")[0].Trim()}", ExitCode.Failed),
        OutOfMemoryException => (
            "Out of memory; a smaller --batch or --image-size and fewer --threads need less, where the command has them.", ExitCode.Failed),
        _ => ($"Unexpected {e.GetType().Name}: {e.Message} (set {TraceVariable}=1 to see where)", ExitCode.Failed),
    };

    /// <summary>
    /// Writes a message behind the name of the command: lines no longer than the terminal, or 120 columns where there is none, the second
    /// and
    /// later ones indented. What follows <c>"\n- "</c> is an item of a list.
    /// </summary>
    public static void Write(TextWriter error, string command, string message, string hint = "", bool showsAll = false)
    {
        var width = Math.Max(NarrowestText, Consoles.For(error).Profile.Width);
        var (first, items) = message.Split(Item) is [var text, .. var list] ? (text, list) : (message, []);
        Line("", $"{command}: {OneLine(first)}{(items.Length == 0 ? $" {hint}" : "")}");
        var shown = showsAll ? items.Length : Math.Min(items.Length, MostItems);
        foreach (var item in items.Take(shown)) Line($"{Phrases.Indent}- ", OneLine(item));
        if (items.Length > shown) Line(Phrases.Indent, $"… ({items.Length - shown} more)");
        if (items.Length > 0 && hint.Length > 0) Line(Phrases.Indent, hint);

        void Line(string indent, string text)
        {
            foreach (var line in Phrases.Lines(width, Phrases.Words(text).Prepend(indent))) error.WriteLine(line);
        }
    }

    /// <summary>A message of several lines as one, fit for a terminal.</summary>
    public static string OneLine(string message) =>
        Printable.Line(
            string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)));

    private static string WithoutParameter(string message)
    {
        var parameter = message.LastIndexOf(" (Parameter '", StringComparison.Ordinal);
        return parameter < 0 ? message : message[..parameter];
    }

    /// <summary>Whether a file could not take what was to be written, in whatever words that was said again.</summary>
    private static bool IsFull(Exception? e) => e is not null && ((e is IOException && IsFull(e.HResult)) || IsFull(e.InnerException));

    // Of the system's numbers: a broken pipe, a file too large, no space, no space allowed (two systems'); Windows' disk that is full, file
    // too large.
    private static bool IsFull(int number) => OperatingSystem.IsWindows()
        ? number is unchecked((int)0x80070070) or unchecked((int)0x800700DF)
        : number is 32 or 27 or 28 || number == (OperatingSystem.IsMacOS() ? 69 : 122);
}
