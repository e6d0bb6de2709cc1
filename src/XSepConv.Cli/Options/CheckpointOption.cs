using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Options;

/// <summary><c>--checkpoint</c>, <c>--init</c>: a file that says itself which network it holds.</summary>
internal sealed class CheckpointOption
{
    public CheckpointOption(string description, bool required = true, string name = "--checkpoint")
    {
        Option = CheckedOption.Text(name, "FILE", description);
        Option.Required = required;
    }

    public Option<string> Option { get; }

    /// <summary>The file that was given, which is one and can be opened; null where none was.</summary>
    public string? Path(ParseResult result)
    {
        if (result.GetValue(Option) is not { } path) return null;
        RegularFile.Require(path);
        try
        {
            RegularFile.OpenHandle(path).Dispose();
            return path;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UserError(
                $"There is no file '{path}'; a checkpoint is a last.safetensors or best.safetensors that 'train' wrote, or a file of "
                + "'import'.");
        }
    }

    /// <summary>Refuses a network that tells no classes apart.</summary>
    /// <exception cref="UserError">It has no classifier.</exception>
    public static void RequireClassifier(NetworkSpec network, string path)
    {
        if (network.NumClasses == 0) throw new UserError($"{path} has no classifier: it gives features, not classes.");
    }
}
