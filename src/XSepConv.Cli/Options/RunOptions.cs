using System.CommandLine;
using XSepConv.Cli.Arguments;
using XSepConv.Cli.Errors;

namespace XSepConv.Cli.Options;

/// <summary>
/// <c>--out</c>, <c>--resume</c>, <c>--overwrite</c>: where a run or a comparison goes, and what happens to one that is there.
/// </summary>
/// <param name="thing">What stands there, in a word.</param>
/// <param name="where">What goes into the directory, and its default.</param>
internal sealed class RunOptions(string thing, string where)
{
    private readonly Option<string> directory = CheckedOption.Text("--out", "DIR", where).Or("-o", "--output");

    private readonly Option<bool> resume = CheckedOption.Flag(
        "--resume", $"Continue the {thing} in --out. Give the options that it was started with.");

    private readonly Option<bool> overwrite = CheckedOption.Flag("--overwrite", $"Replace the {thing} in --out.");

    /// <summary>In the order of the help.</summary>
    public IEnumerable<Option> All => [directory, resume, overwrite];

    public bool Resume(ParseResult result) => result.GetValue(resume);

    public bool Overwrite(ParseResult result) => result.GetValue(overwrite);

    /// <summary>The directory, which is that of a name in <c>runs</c> where none was typed.</summary>
    public string Directory(ParseResult result, string usual) => result.GetValue(directory) ?? Path.Combine("runs", usual);

    public void AddTo(ToolCommand command, IEnumerable<Option> others)
    {
        command.Add("Output", [.. All, .. others]);
        command.Validators.Add(result =>
        {
            if (result.GetValue(resume) && result.GetValue(overwrite)) result.AddError("--resume and --overwrite contradict each other.");
        });
    }

    /// <summary>Refuses, before any data are read, to lose what is there, and to resume what is not.</summary>
    /// <param name="file">The file in it that is resumed.</param>
    /// <param name="left">A file in it that would be lost, that one or another; null where nothing would.</param>
    /// <exception cref="UserError">It is refused.</exception>
    public void RequireRight(ParseResult result, string output, string file, string? left)
    {
        if (File.Exists(output)) throw new UserError($"--out is '{output}', a file; the {thing} goes into a folder, new or old.");
        var path = Path.Combine(output, file);
        if (Resume(result) && !File.Exists(path))
        {
            throw new UserError(
                $"There is nothing to resume: {path} does not exist. Give the --out of the {thing}, or leave --resume out to start one.");
        }

        if (left is null || Resume(result) || Overwrite(result)) return;
        throw new UserError(
            left == file
                ? $"{output} holds a {thing} already. Continue it with --resume, replace it with --overwrite, or give another --out."
                : $"{output} holds a {thing} already, and no {file} to continue it from: {left} would be lost. "
                + "Replace it with --overwrite, or give another --out.");
    }

    /// <summary>The line that continues what was begun by what was typed.</summary>
    public string ResumeLine(ParseResult result) => TypedLine.Of(result, leaveOut: [overwrite.Name, resume.Name], add: resume.Name);
}
