using System.Diagnostics.CodeAnalysis;
using XSepConv.Cli.Errors;
using XSepConv.Training;

namespace XSepConv.Cli.Options;

/// <summary><c>--out</c> of commands that read files: it is none of them, by whatever name.</summary>
internal static class OutputFile
{
    /// <summary>What the file is to be called; <c>-</c> is what shells call standard output.</summary>
    [return: NotNullIfNotNull(nameof(given))]
    public static string? Of(string? given) => given switch
    {
        "-" when OperatingSystem.IsWindows() => throw new UserError(
            "--out is '-': on Windows a network can't be written to standard output; name a file."),
        "-" => "/dev/stdout",
        _ => given,
    };

    /// <summary>Refuses to write over what is read.</summary>
    /// <param name="what">The input, in words: <c>the checkpoint</c>.</param>
    /// <exception cref="UserError">The two are one file.</exception>
    public static void RequireOther(string output, string input, string what)
    {
        if (RealPath.AreOne(output, input)) throw new UserError($"--out is '{output}', {what} itself; choose another file.");
    }
}
