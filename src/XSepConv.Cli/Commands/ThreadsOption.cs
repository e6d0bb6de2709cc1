using System.CommandLine;
using System.Globalization;
using XSepConv.Cli.Arguments;

namespace XSepConv.Cli.Commands;

/// <summary><c>--threads</c>. More threads than cores only wait for each other, and libtorch's wait busily: they are never started.</summary>
internal sealed class ThreadsOption(string description)
{
    private const int Most = 1024;

    private readonly Option<int?> option = CheckedOption.OptionalWhole("--threads", 1, Most, description);
    private bool said;

    /// <summary>What a machine of so many cores runs on where nothing is given.</summary>
    public static int Cores => Math.Min(Environment.ProcessorCount, Most);

    public void AddTo(Command command) => command.Add(option);

    /// <summary>What was given, at most the cores of this machine; null where nothing was.</summary>
    public int? Value(ParseResult result)
    {
        if (result.GetValue(option) is not { } given) return null;
        if (given <= Cores) return given;
        if (!said) result.InvocationConfiguration.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"--threads is {given}, but there {(Cores == 1 ? "is 1 core" : $"are {Cores} cores")} here: {Cores} will be used."));
        said = true;
        return Cores;
    }
}
