using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Commands;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Help;
using XSepConv.Cli.Terminal;
using XSepConv.Kernels;
using XSepConv.Training;

namespace XSepConv.Cli;

/// <summary>The <c>xsepconv</c> program: its commands, and how an error ends it.</summary>
internal static class Tool
{
    /// <summary>Parses, runs, and turns whatever goes wrong into a message and an exit code.</summary>
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
        if (result.Action is ParseErrorAction)
        {
            ErrorText.Write(invocation.Error, command, ExplainParseErrors(result), $"See '{command} --help'.");
            return ExitCode.BadInput;
        }

        try
        {
            // Now, rather than in the middle of the work; help is for everyone.
            if (result.Action == result.CommandResult.Command.Action) RequireKernels();
            return result.Invoke(invocation);
        }
        catch (Exception e)
        {
            if (ErrorText.WithTrace) invocation.Error.WriteLine(e);
            var (message, exitCode) = ErrorText.Explain(e);
            ErrorText.Write(invocation.Error, command, message, showsAll: e is UserError { ShowsAll: true });
            return exitCode;
        }
    }

    private static void RequireKernels()
    {
        try
        {
            _ = KernelRegistry.Current;
        }
        catch (InvalidOperationException e)
        {
            throw new UserError(e.Message);
        }
    }

    internal static RootCommand Root()
    {
        var root = new RootCommand(
            "XSepConv (extremely separated convolution, arXiv 2002.12046): train small image classifiers built "
                + "from it, and look inside them.")
        {
            TrainCommand.Create(),
            EvaluateCommand.Create(),
            ComparisonCommand.Compare(),
            ComparisonCommand.Ablate(),
            PredictCommand.Create(),
            SummaryCommand.Create(),
            ProfileCommand.Create(),
            PlanCommand.Create(),
            ImportCommand.Create(),
            ConvertCommand.Create(),
            ExportCommand.Create(),
        };
        root.HelpName = ErrorText.Tool;
        root.Add(HelpCommand.Create(root));

        // As git and node do; there are no more and fewer words to choose between, which -v is elsewhere.
        root.Options.OfType<VersionOption>().Single().Aliases.Add("-v");
        HelpPage.Install(root);
        return root;
    }

    private static string ExplainParseErrors(ParseResult result)
    {
        var command = result.CommandResult.Command;
        if (UnknownToken(result) is { } token)
        {
            var isOption = token.StartsWith('-');
            var known = isOption
                ? command.Options.SelectMany(option => option.Aliases.Prepend(option.Name))
                : command.Subcommands.Select(sub => sub.Name);
            var kind = isOption ? "option" : command.Subcommands.Count > 0 ? "command" : "argument";
            var missing = kind == "argument" ? result.Errors.Where(
                error => error.Message.EndsWith("is required.", StringComparison.Ordinal)).Select(error => $" {error.Message}") : [];
            return $"There is no {kind} '{CheckedOption.Shorten(token)}' here.{Nearest.Hint(token, known)}{string.Concat(missing)}";
        }

        // An option without its value also fails to convert; its first error is the one to fix.
        var errors = result.Errors.DistinctBy(error => error.SymbolResult).Select(error => error.Message).ToList();
        return errors is [var only] ? only : $"{errors.Count} things are wrong:{string.Concat(errors.Select(error => $"\n- {error}"))}";
    }

    private static string? UnknownToken(ParseResult result)
    {
        // An unknown option may have been taken for an argument, and then its value is what does not match.
        var option = result.CommandResult.Command.Subcommands.Count > 0 ? null : result.Tokens.FirstOrDefault(IsOptionTakenForArgument);
        return option?.Value ?? (result.UnmatchedTokens is [var unmatched, ..] ? unmatched : null);
    }

    private static bool IsOptionTakenForArgument(Token token) =>
        token.Type == TokenType.Argument && token.Value.Length > 2 && token.Value.StartsWith("--", StringComparison.Ordinal);

    private static string CommandPath(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{CommandPath(parent)} {result.Command.Name}" : ErrorText.Tool;
}
