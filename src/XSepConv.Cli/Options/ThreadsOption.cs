using System.CommandLine;
using XSepConv.Cli.Arguments;

namespace XSepConv.Cli.Options;

/// <summary>
/// <c>--threads</c>. More threads than cores only wait for each other, and libtorch's wait busily: they are never started.
/// </summary>
internal sealed class ThreadsOption(string description)
{
    private const int Most = 1024;

    private bool said;

    public Option<int?> Option { get; } = CheckedOption.OptionalWhole("--threads", 1, Most, description);

    /// <summary>What a machine of so many cores runs on where nothing is given.</summary>
    public static int Cores => Math.Min(Environment.ProcessorCount, Most);

    /// <summary>What was given, at most the cores of this machine; null where nothing was.</summary>
    public int? Value(ParseResult result)
    {
        if (result.GetValue(Option) is not { } given) return null;
        if (given <= Cores) return given;
        if (!said)
        {
            var there = Cores == 1 ? "is 1 core" : $"are {Cores} cores";
            result.InvocationConfiguration.Error.WriteLine($"{Option.Name} is {given}, but there {there} here: {Cores} will be used.");
        }

        said = true;
        return Cores;
    }
}
