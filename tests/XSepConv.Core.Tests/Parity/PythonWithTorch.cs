using System.ComponentModel;
using System.Diagnostics;

namespace XSepConv.Core.Tests.Parity;

/// <summary>A Python that can import torch.</summary>
internal static class PythonWithTorch
{
    public const string Variable = "XSEPCONV_PYTHON";

    /// <summary>
    /// The one that <c>XSEPCONV_PYTHON</c> names, or the first of the usual ones that has torch; null if none has. One that is named and does not
    /// serve is an error: a set variable never falls back.
    /// </summary>
    public static async Task<string?> FindAsync(CancellationToken cancellation)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return await HasTorchAsync(named, cancellation)
                ? named
                : throw new InvalidOperationException($"{Variable} is '{named}', which can't be run or has no torch. Unset it, or name a Python that imports torch.");
        }

        foreach (var usual in new[] { "/usr/bin/python3", "python3" })
        {
            if (await HasTorchAsync(usual, cancellation)) return usual;
        }

        return null;
    }

    /// <summary>Runs a script to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed, or took longer than two minutes; the message holds what it wrote.</exception>
    public static async Task<string> RunAsync(string python, IEnumerable<string> arguments, CancellationToken cancellation)
    {
        // -B: no compiled files beside the scripts.
        var start = new ProcessStartInfo(python, ["-B", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode == 0
                ? await output
                : throw new InvalidOperationException($"{python} ended with {process.ExitCode}:\n{await output}{await error}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            throw new InvalidOperationException($"{python} {string.Join(' ', start.ArgumentList)} took longer than two minutes.");
        }
    }

    private static async Task<bool> HasTorchAsync(string python, CancellationToken cancellation)
    {
        try
        {
            await RunAsync(python, ["-c", "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"], cancellation);
            return true;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            return false;
        }
    }
}
