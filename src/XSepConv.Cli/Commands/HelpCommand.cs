using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;
using XSepConv.Cli.Help;
using XSepConv.Training;

namespace XSepConv.Cli.Commands;

/// <summary><c>xsepconv help</c> and <c>xsepconv help train</c>, for <c>--help</c>.</summary>
internal static class HelpCommand
{
    public static Command Create(RootCommand root)
    {
        var topic = new Argument<string?>("command")
        {
            Description = "The command to explain; all of them without.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        topic.CompletionSources.Add([.. root.Subcommands.Select(command => command.Name)]);
        var help = new ToolCommand("help", "Show what a command does and which options it takes.") { Examples = ["xsepconv help train"] };
        help.Add(topic);
        help.SetAction(result =>
        {
            var named = result.GetValue(topic);
            var command = named is null ? root : root.Subcommands.FirstOrDefault(command => command.Name == named);
            if (command is null)
            {
                var known = root.Subcommands.Select(command => command.Name);
                throw new UserError($"There is no command '{CheckedOption.Shorten(named!)}' here.{Nearest.Hint(named!, known)}");
            }

            HelpPage.Write(command, result.InvocationConfiguration.Output);
        });
        return help;
    }
}
