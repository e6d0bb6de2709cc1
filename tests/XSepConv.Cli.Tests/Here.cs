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

    /// <summary>Bad input: exit code 2, nothing on stdout, a message on stderr, which is returned as one line.</summary>
    public static string Refusal(params string[] args)
    {
        var (exitCode, output, error) = Run(args);
        Assert.Equal(2, exitCode);
        Assert.Equal("", output);
        return Message(error);
    }

    /// <summary>
    /// One message, put back into one line: it begins with the command's name, its other lines are indented, and none is longer than 120
    /// columns but for a word that is.
    /// </summary>
    public static string Message(string error)
    {
        Assert.EndsWith(Environment.NewLine, error);
        var lines = error[..^Environment.NewLine.Length].Split(Environment.NewLine);
        Assert.StartsWith("xsepconv", lines[0]);
        foreach (var line in lines)
        {
            Assert.Equal(line == lines[0], line[0] != ' ');
            Assert.True(line.Length <= 120 || !line.Trim().Contains(' ', StringComparison.Ordinal), line);
        }

        return string.Join(' ', lines.Select(line => line.Trim()));
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
