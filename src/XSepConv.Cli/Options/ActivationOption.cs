using System.CommandLine;
using XSepConv.Cli.Arguments;

namespace XSepConv.Cli.Options;

/// <summary>The option that gives a whole network another nonlinearity.</summary>
internal static class ActivationOption
{
    public static Option<Activation?> Create() => CheckedOption.OptionalMember<Activation>(
        "--activation",
        "The nonlinearity of every block, of the stem and of the head. Default: the table's. Squeeze-excite keeps its own.");
}
