using System.CommandLine;

namespace XSepConv.Cli.Arguments;

/// <summary>A command whose options stand in groups, and what its help shows besides.</summary>
internal sealed class ToolCommand(string name, string description) : Command(name, description)
{
    private readonly List<OptionGroup> groups = [];

    /// <summary>The groups in the order of the help; an option is in one of them.</summary>
    public IReadOnlyList<OptionGroup> Groups => groups;

    /// <summary>Lines that can be typed, some with a word on them.</summary>
    public required string[] Examples { get; init; }

    public void Add(string title, IEnumerable<Option> options, params string[] below)
    {
        groups.Add(new(title, [.. options], below));
        foreach (var option in groups[^1].Options) Add(option);
    }
}

/// <summary>Options under one title in the help.</summary>
internal sealed record OptionGroup(string Title, Option[] Options, string[] Below);
