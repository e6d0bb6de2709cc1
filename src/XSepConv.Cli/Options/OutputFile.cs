using XSepConv.Cli.Errors;
using XSepConv.Training;

namespace XSepConv.Cli.Options;

/// <summary><c>--out</c> of commands that read files: it is none of them, by whatever name.</summary>
internal static class OutputFile
{
    /// <summary>Refuses to write over what is read.</summary>
    /// <param name="what">The input, in words: <c>the checkpoint</c>.</param>
    /// <exception cref="UserError">The two are one file.</exception>
    public static void RequireOther(string output, string input, string what)
    {
        if (RealPath.AreOne(output, input)) throw new UserError($"--out is '{output}', {what} itself; choose another file.");
    }
}
