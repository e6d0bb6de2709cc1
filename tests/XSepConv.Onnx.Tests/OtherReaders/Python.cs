using System.ComponentModel;
using System.Diagnostics;

namespace XSepConv.Onnx.Tests;

/// <summary>A Python that has what a test asks of it.</summary>
internal static class Python
{
    /// <summary>The first of the usual Pythons that can import a module; the test is skipped where none can.</summary>
    /// <param name="module">The module.</param>
    /// <param name="package">Debian's package of it.</param>
    public static async Task<string> WithAsync(string module, string package)
    {
        foreach (var usual in new[] { "/usr/bin/python3", "python3" })
        {
            try
            {
                var (exitCode, _) = await RunAsync(usual, ["-c", $"import importlib.util, sys; sys.exit(importlib.util.find_spec('{module}') is None)"]);
                if (exitCode == 0) return usual;
            }
            catch (Win32Exception)
            {
                // There is no such program.
            }
        }

        Assert.Skip($"No Python with {module} here (Debian: apt-get install {package}), so it was not asked.");
        return "";
    }

    /// <summary>Runs a program to its end. The text is its output, or what it wrote of errors where it failed.</summary>
    public static async Task<(int ExitCode, string Text)> RunAsync(string program, IEnumerable<string> arguments)
    {
        // -B: no compiled files beside the scripts.
        var start = new ProcessStartInfo(program, ["-B", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var text = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, process.ExitCode == 0 ? text : $"{text}{await errors}");
    }
}
