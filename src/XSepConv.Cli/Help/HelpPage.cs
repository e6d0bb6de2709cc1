using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Help;

/// <summary><c>--help</c>: System.CommandLine's text with the options in groups, then examples; the exit codes where they matter.</summary>
internal static class HelpPage
{
    private const int WidestText = 100;

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
        var builder = new HelpBuilder(Console.IsOutputRedirected ? WidestText : Math.Clamp(Console.WindowWidth, 40, WidestText));
        builder.CustomizeLayout(_ => Sections(command));
        builder.Write(command, output);
    }

    private static IEnumerable<Func<HelpContext, bool>> Sections(Command command)
    {
        yield return HelpBuilder.Default.SynopsisSection();
        yield return HelpBuilder.Default.CommandUsageSection();
        yield return HelpBuilder.Default.CommandArgumentsSection();
        if (command is not ToolCommand tool)
        {
            yield return HelpBuilder.Default.SubcommandsSection();
            yield return HelpBuilder.Default.OptionsSection();
            yield return Lines("Examples", Examples);
            yield return Lines("Exit codes", ExitCodes);
            yield break;
        }

        foreach (var group in tool.Groups) yield return Options(group);
        yield return Lines("Examples", tool.Examples);
    }

    private static Func<HelpContext, bool> Options(OptionGroup group) => context =>
    {
        context.Output.WriteLine($"{group.Title}:");
        context.HelpBuilder.WriteColumns([.. group.Options.Select(option => context.HelpBuilder.GetTwoColumnRow(option, context))], context);
        if (group.Below.Length > 0) context.Output.WriteLine();
        foreach (var line in group.Below) context.Output.WriteLine($"  {line}".TrimEnd());
        return true;
    };

    private static Func<HelpContext, bool> Lines(string title, string[] lines) => context =>
    {
        context.Output.WriteLine($"{title}:");
        foreach (var line in lines) context.Output.WriteLine($"  {line}");
        return true;
    };

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
