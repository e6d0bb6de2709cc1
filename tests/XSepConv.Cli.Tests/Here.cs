using System.CommandLine;

namespace XSepConv.Cli.Tests;

/// <summary>Runs the tool's root command in this process, with its output caught.</summary>
internal static class Here
{
    public static (int ExitCode, string Out, string Error) Run(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = Tool.Run(args, new InvocationConfiguration { Output = output, Error = error });
        return (exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Bad input: exit code 2, nothing on stdout, one line on stderr, which is returned.</summary>
    public static string Refusal(params string[] args)
    {
        var (exitCode, output, error) = Run(args);
        Assert.Equal(2, exitCode);
        Assert.Equal("", output);
        return SingleLine(error);
    }

    public static string SingleLine(string text)
    {
        Assert.EndsWith(Environment.NewLine, text);
        var line = text[..^Environment.NewLine.Length];
        Assert.DoesNotContain('\n', line);
        Assert.NotEqual("", line);
        return line;
    }
}
