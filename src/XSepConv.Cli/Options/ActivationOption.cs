using System.CommandLine;
using XSepConv.Cli.Arguments;

namespace XSepConv.Cli.Options;

/// <summary>The option that gives a whole network another nonlinearity.</summary>
internal static class ActivationOption
{
    public static Option<Activation?> Create()
    {
        string[] names = [.. Enum.GetNames<Activation>().Select(name => name.ToLowerInvariant())];
        var option = CheckedOption.Make<Activation?>(
            "--activation", string.Join('|', names),
            "The nonlinearity of every block, of the stem and of the head. Default: the table's. Squeeze-excite keeps its own.",
            null, Parse);
        option.CompletionSources.Add(names);
        return option;

        (Activation?, string?) Parse(string text)
        {
            var (name, wrong) = CheckedOption.OneOf(names, text);
            return (name is null ? null : Enum.Parse<Activation>(name, ignoreCase: true), wrong);
        }
    }
}
