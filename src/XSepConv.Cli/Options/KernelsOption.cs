using System.CommandLine;
using System.Globalization;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Options;

/// <summary><c>--kernels</c>: kernel sizes of one network, or of several of which each is made into a pair.</summary>
internal sealed class KernelsOption
{
    private const string Name = "--kernels";
    private const string Table = "table";
    private const char BetweenStages = '/';

    private readonly int most;
    private readonly char between;

    private KernelsOption(int most, char between, string value, string description)
    {
        (this.most, this.between) = (most, between);
        Option = CheckedOption.Make<IReadOnlyList<int>[]>(Name, value, description, null, Parse);
    }

    public Option<IReadOnlyList<int>[]> Option { get; }

    /// <summary>Of one network.</summary>
    public static KernelsOption OfOne() => new(
        1, ',', "K,…",
        $"Kernel sizes, odd, {KernelChoice.Smallest} to {KernelChoice.Largest}: one for all rows, {KernelChoice.Stages} for the stages (at "
            + "224×224 those of 56×56, 28×28, 14×14, 7×7), or one for each row. XSepConv at stride 1, at stride 2 from K = 7; a row that "
            + "keeps its K stays as it is. Default: the table's.");

    /// <summary>Of up to <paramref name="most"/> pairs.</summary>
    public static KernelsOption OfPairs(int most) => new(
        most, BetweenStages, "K,…",
        $"Each kernel size makes another pair of networks: one K for all rows, {KernelChoice.Stages} for the stages, or '{Table}', as in "
            + $"{Table},7,31/29/27/13. XSepConv at stride 1, at stride 2 from K = 7. Default: one pair, with the table's.");

    /// <summary>The kernel sizes of each network, none for those of its table; no network where nothing was typed.</summary>
    /// <exception cref="UserError">They are not one, nor one for each stage or row, or the same twice.</exception>
    public IReadOnlyList<IReadOnlyList<int>> Of(ParseResult result, string network, int rows)
    {
        var choices = result.GetValue(Option) ?? [];
        foreach (var kernels in choices)
        {
            if (kernels.Count is 0 or 1 or KernelChoice.Stages || kernels.Count == rows) continue;
            throw new UserError(
                $"{Name} is '{Text(kernels)}': give one number for all rows, {KernelChoice.Stages} for the stages, or {rows} for "
                + $"the rows of {network}.");
        }

        var twice = choices.Select(Text).GroupBy(text => text).FirstOrDefault(group => group.Count() > 1);
        return twice is null ? choices : throw new UserError($"{Name} is '{string.Join(',', choices.Select(Text))}': each size once.");
    }

    private string Text(IReadOnlyList<int> kernels) => kernels.Count == 0 ? Table : string.Join(between, kernels);

    private (IReadOnlyList<int>[]? Value, string? Wrong) Parse(string text)
    {
        var networks = most == 1 ? [text] : text.Split(',', most + 2);
        if (networks.Length > most) return (null, $"give at most {most}");
        var choices = new IReadOnlyList<int>[networks.Length];
        for (var i = 0; i < networks.Length; i++)
        {
            if (most > 1 && networks[i].Trim() == Table)
            {
                choices[i] = [];
                continue;
            }

            var parts = networks[i].Split(between, NetworkSpec.MostBlocks + 1);
            var kernels = new int[parts.Length];
            for (var k = 0; k < parts.Length; k++)
            {
                if (!int.TryParse(parts[k].Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out kernels[k])
                    || !KernelChoice.IsKernel(kernels[k]))
                {
                    var several = most == 1 ? "separated by commas" : $"separated by commas, those of stages by {BetweenStages}";
                    return (null, $"a kernel is odd, from {KernelChoice.Smallest} to {KernelChoice.Largest}; several are {several}");
                }
            }

            choices[i] = kernels;
        }

        return (choices, null);
    }
}
