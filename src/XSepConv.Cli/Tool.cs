using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Commands;
using XSepConv.Cli.Screen;

namespace XSepConv.Cli;

/// <summary>The <c>xsepconv</c> program: its commands, and how an error ends it.</summary>
internal static class Tool
{
    public const string Name = "xsepconv";

    // .NET's words, to be told from those of one who says more.
    private const string CouldNotFind = "Could not find file";

    private const string TraceVariable = "XSEPCONV_STACKTRACE";

    /// <summary>Parses, runs, and turns whatever goes wrong into one line and an exit code.</summary>
    public static int Run(IReadOnlyList<string> args, InvocationConfiguration? invocation = null)
    {
        invocation ??= new InvocationConfiguration();
        invocation.EnableDefaultExceptionHandler = false;
        // The commands that can be interrupted listen to signals themselves: they save first.
        invocation.ProcessTerminationTimeout = null;
        invocation.Output = new PrintableWriter(invocation.Output);
        invocation.Error = new PrintableWriter(invocation.Error);
        var result = Root().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        var command = CommandPath(result.CommandResult);
        if (result.Action is ParseErrorAction) return Fail(invocation.Error, command, ExplainParseErrors(result), ExitCode.BadInput, $"See '{command} --help'.");
        try
        {
            return result.Invoke(invocation);
        }
        catch (Exception e)
        {
            if (Environment.GetEnvironmentVariable(TraceVariable) == "1") invocation.Error.WriteLine(e);
            var (message, exitCode) = Explain(e);
            return Fail(invocation.Error, command, message, exitCode);
        }
    }

    internal static RootCommand Root()
    {
        var root = new RootCommand("XSepConv (extremely separated convolution, arXiv 2002.12046): train small image classifiers built from it, and look inside them.");
        root.HelpName = Name;
        root.Add(TrainCommand.Create());
        root.Add(EvaluateCommand.Create());
        root.Add(ComparisonCommand.Compare());
        root.Add(ComparisonCommand.Ablate());
        root.Add(PredictCommand.Create());
        root.Add(SummaryCommand.Create());
        root.Add(ProfileCommand.Create());
        root.Add(PlanCommand.Create());
        root.Add(ExportCommand.Create());
        ToolHelp.Install(root);
        return root;
    }

    private static int Fail(TextWriter error, string command, string message, int exitCode, string? hint = null)
    {
        error.WriteLine(hint is null ? $"{command}: {OneLine(message)}" : $"{command}: {OneLine(message)} {hint}");
        return exitCode;
    }

    /// <summary>A message of several lines as one, fit for a terminal.</summary>
    internal static string OneLine(string message) =>
        Printable.Line(string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)));

    /// <summary>One line about an exception, and what to exit with.</summary>
    internal static (string Message, int ExitCode) Explain(Exception e) => e switch
    {
        UserError error => (error.Message, error.ExitCode),
        DllNotFoundException missing => (missing.Message, ExitCode.Failed),
        FileNotFoundException { FileName: { } missing } when !File.Exists(missing) && e.Message.StartsWith(CouldNotFind, StringComparison.Ordinal) => ($"There is no file '{missing}'.", ExitCode.BadInput),
        IOException full when IsFull(full) => (full.Message, ExitCode.Failed),
        IOException or UnauthorizedAccessException or InvalidDataException or FormatException or NotSupportedException => (e.Message, ExitCode.BadInput),
        ExternalException torch => ($"libtorch: {torch.Message.Split("Exception raised from")[0].Trim()}", ExitCode.Failed),
        OutOfMemoryException => ("Out of memory; a smaller --batch needs less.", ExitCode.Failed),
        _ => ($"Unexpected {e.GetType().Name}: {e.Message} (set {TraceVariable}=1 to see where)", ExitCode.Failed),
    };

    // Of the system's numbers: a broken pipe, a file too large, no space, no space allowed; Windows' disk that is full.
    private static bool IsFull(IOException e) => OperatingSystem.IsWindows() ? e.HResult == unchecked((int)0x80070070) : e.HResult is 32 or 27 or 28 or 122;

    private static string ExplainParseErrors(ParseResult result)
    {
        var command = result.CommandResult.Command;
        if (UnknownToken(result) is { } token)
        {
            var isOption = token.StartsWith('-');
            var known = isOption ? command.Options.Select(option => option.Name) : command.Subcommands.Select(sub => sub.Name);
            var kind = isOption ? "option" : command.Subcommands.Count > 0 ? "command" : "argument";
            return $"There is no {kind} '{CheckedOption.Shorten(token)}' here.{Nearest.Hint(token, known)}";
        }

        // An option without its value also fails to convert; the first error is the one to fix.
        return result.Errors[0].Message;
    }

    private static string? UnknownToken(ParseResult result)
    {
        // An unknown option may have been taken for an argument, and then its value is what does not match.
        var option = result.CommandResult.Command.Subcommands.Count > 0
            ? null
            : result.Tokens.FirstOrDefault(token => token.Type == TokenType.Argument && token.Value.Length > 2 && token.Value.StartsWith("--", StringComparison.Ordinal));
        return option?.Value ?? (result.UnmatchedTokens is [var unmatched, ..] ? unmatched : null);
    }

    private static string CommandPath(CommandResult result) => result.Parent is CommandResult parent ? $"{CommandPath(parent)} {result.Command.Name}" : Name;
}
