using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Terminal;

namespace XSepConv.Cli.Help;

/// <summary><c>--help</c>: usage, options in groups, examples; the exit codes where they matter.</summary>
internal static class HelpPage
{
    private const int NarrowestText = 40, WidestText = 100;

    private static readonly string[] Examples =
    [
        "xsepconv compare",
        "xsepconv summary",
        "xsepconv train --data shapes --epochs 5 --out runs/shapes",
        "xsepconv evaluate --checkpoint runs/shapes/best.safetensors --data shapes",
        "xsepconv predict --checkpoint runs/shapes/best.safetensors photo.jpg",
        "xsepconv plan 6",
    ];

    private static readonly string[] ExitCodes =
    [
        $"{ExitCode.Done}    done",
        $"{ExitCode.Failed}    the work failed, for example because the loss became NaN",
        $"{ExitCode.BadInput}    wrong input: an option, a file; stderr says which and what would be right",
        $"{ExitCode.Interrupted}  stopped by Ctrl-C after a step, saved ({ExitCode.Terminated}: by SIGTERM, {ExitCode.HungUp}: by SIGHUP)",
    ];

    /// <summary>Shows this for <c>--help</c> of every command, and where <c>xsepconv</c> is typed alone.</summary>
    public static void Install(RootCommand root)
    {
        var action = new ShowHelp();
        root.Options.OfType<HelpOption>().Single().Action = action;
        root.SetAction(action.Invoke);
    }

    /// <summary>Writes what there is to know about a command.</summary>
    public static void Write(Command command, TextWriter output)
    {
        var width = Consoles.IsTerminal(output) ? Math.Clamp(Consoles.For(output).Profile.Width, NarrowestText, WidestText) : WidestText;
        foreach (var line in Phrases.Lines(width, Phrases.Words(command.Description!))) output.WriteLine(line.Trim());
        output.WriteLine();
        var arguments = string.Concat(command.Arguments.Select(argument => $" {Label(argument)}"));
        var subcommand = command.Subcommands.Count > 0 ? " <command>" : "";
        Section("Usage", [$"{ErrorText.Tool}{(command is RootCommand ? "" : $" {command.Name}")}{subcommand}{arguments} [options]"]);
        if (command.Arguments.Count > 0)
        {
            Columns("Arguments", command.Arguments.Select(argument => (Label(argument), argument.Description!)));
        }

        if (command is ToolCommand tool)
        {
            foreach (var group in tool.Groups)
            {
                Columns(group.Title, group.Options.Select(option => (Label(option), Text(option))), group.Below);
            }

            Section("Examples", tool.Examples);
            return;
        }

        Columns("Commands",
            command.Subcommands.Select(sub => (string.Join(' ', [sub.Name, .. sub.Arguments.Select(Label)]), sub.Description!)));
        Columns("Options", command.Options.Select(option => (Label(option), option.Description!)));
        Section("Examples", Examples);
        Section("Exit codes", ExitCodes);

        void Section(string title, IEnumerable<string> lines)
        {
            output.WriteLine($"{title}:");
            foreach (var line in lines) output.WriteLine($"  {line}".TrimEnd());
            output.WriteLine();
        }

        void Columns(string title, IEnumerable<(string Label, string Text)> rows, params string[] below) =>
            Section(title, [.. Beside([.. rows], width - 2), .. below.Length > 0 ? below.Prepend("") : []]);
    }

    /// <summary>Labels in a column, their text beside them; below them where a label is too long.</summary>
    private static IEnumerable<string> Beside((string Label, string Text)[] rows, int width)
    {
        var column = Math.Min(width / 3, rows.Max(row => row.Label.Length)) + 2;
        foreach (var (label, text) in rows)
        {
            var first = label.Length + 2 <= column ? label.PadRight(column) : null;
            if (first is null) yield return label;
            foreach (var line in Phrases.Lines(width - column, Phrases.Words(text)))
            {
                yield return (first ?? "").PadRight(column) + line.Trim();
                first = "";
            }
        }
    }

    private static string Label(Argument argument) => argument.Arity switch
    {
        { MinimumNumberOfValues: 0, MaximumNumberOfValues: > 1 } => $"[<{argument.Name}>...]",
        { MaximumNumberOfValues: > 1 } => $"<{argument.Name}>...",
        { MinimumNumberOfValues: 0 } => $"[<{argument.Name}>]",
        _ => $"<{argument.Name}>",
    };

    private static string Label(Option option)
    {
        // Windows' /h and /? are known, too.
        var names = option.Aliases.Prepend(option.Name).Where(name => name[0] == '-')
            .OrderBy(name => name.StartsWith("--", StringComparison.Ordinal));
        return $"{string.Join(", ", names)}{(option.HelpName is { } value ? $" <{value}>" : "")}";
    }

    private static string Text(Option option)
    {
        var usual = option is { HasDefaultValue: true, HelpName: not null } && option.GetDefaultValue() is { } value
            ? $" [default: {value}]" : "";
        return $"{option.Description}{(option.Required ? " [required]" : usual)}";
    }

    private sealed class ShowHelp : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            Write(parseResult.CommandResult.Command, parseResult.InvocationConfiguration.Output);
            return ExitCode.Done;
        }
    }
}
