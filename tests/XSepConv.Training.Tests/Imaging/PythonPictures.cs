using System.ComponentModel;
using System.Diagnostics;

namespace XSepConv.Training.Tests;

/// <summary>Pictures that a script makes, with what other tools see in them.</summary>
internal static class PythonPictures
{
    /// <summary>Runs it; without a Python that has the modules the test is skipped.</summary>
    public static void Make(string modules, params string[] arguments)
    {
        foreach (var python in new[] { "/usr/bin/python3", "python3" })
        {
            try
            {
                if (Run(python, ["-c", $"import {modules}"]).Code != 0) continue;
                var (code, errors) = Run(python, ["-B", .. arguments]);
                Assert.True(code == 0, errors);
                return;
            }
            catch (Win32Exception)
            {
                // It is not there.
            }
        }

        Assert.Skip($"No Python here that imports {modules} (Debian: python3-pil, python3-numpy, python3-torchvision): nothing to compare with.");
    }

    private static (int Code, string Errors) Run(string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, errors);
    }
}
