using System.Diagnostics;
using System.Globalization;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>Runs a work in a process of its own, for what is settled when a process starts.</summary>
internal static class OwnProcess
{
    /// <exception cref="InvalidOperationException">The process failed.</exception>
    public static IReadOnlyList<RatioResult> Measure(string work, RatioSettings settings, params (string Name, string Value)[] environment)
    {
        var folder = Directory.CreateTempSubdirectory("xsepconv-");
        try
        {
            var json = Path.Combine(folder.FullName, "ratios.json");
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
            // The program is either started by its own name or by dotnet's with the path of its assembly.
            if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            {
                start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
            }

            string[] arguments =
            [
                "ratios", "--only", work, "--threads", settings.Threads.ToString(CultureInfo.InvariantCulture),
                "--seconds", settings.Seconds.ToString(CultureInfo.InvariantCulture), "--json", json,
            ];
            foreach (var argument in arguments) start.ArgumentList.Add(argument);
            foreach (var (name, value) in environment) start.Environment[name] = value;
            using var process = Process.Start(start)!;
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? RatioText.Read(json).Results
                : throw new InvalidOperationException($"{work} in its own process ended with {process.ExitCode}.");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
