using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Commands;

namespace XSepConv.Cli;

/// <summary>The <c>xsepconv</c> program: its commands, and how an error ends it.</summary>
internal static class Tool
{
    public const string Name = "xsepconv";

    private const string TraceVariable = "XSEPCONV_STACKTRACE";

    /// <summary>Parses, runs, and turns whatever goes wrong into one line and an exit code.</summary>
    public static int Run(IReadOnlyList<string> args, InvocationConfiguration? invocation = null)
    {
        invocation ??= new InvocationConfiguration();
        invocation.EnableDefaultExceptionHandler = false;
        // The commands that can be interrupted listen to signals themselves: they save first.
        invocation.ProcessTerminationTimeout = null;
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
        var line = string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        error.WriteLine(hint is null ? $"{command}: {line}" : $"{command}: {line} {hint}");
        return exitCode;
    }

    /// <summary>One line about an exception, and what to exit with.</summary>
    internal static (string Message, int ExitCode) Explain(Exception e) => e switch
    {
        UserError error => (error.Message, error.ExitCode),
        FileNotFoundException missing => ($"There is no file '{missing.FileName}'; a checkpoint is a last.safetensors or best.safetensors that 'train' wrote.", ExitCode.BadInput),
        IOException or UnauthorizedAccessException or InvalidDataException or FormatException or NotSupportedException => (e.Message, ExitCode.BadInput),
        ExternalException torch => ($"libtorch: {torch.Message.Split("Exception raised from")[0].Trim()}", ExitCode.Failed),
        OutOfMemoryException => ("Out of memory; a smaller --batch needs less.", ExitCode.Failed),
        _ => ($"Unexpected {e.GetType().Name}: {e.Message} (set {TraceVariable}=1 to see where)", ExitCode.Failed),
    };

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
            : result.Tokens.FirstOrDefault(token => token.Type == TokenType.Argument && token.Value.StartsWith("--", StringComparison.Ordinal));
        return option?.Value ?? (result.UnmatchedTokens is [var unmatched, ..] ? unmatched : null);
    }

    private static string CommandPath(CommandResult result) => result.Parent is CommandResult parent ? $"{CommandPath(parent)} {result.Command.Name}" : Name;
}
