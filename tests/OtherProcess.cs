using System.Diagnostics;

namespace XSepConv.Tests;

/// <summary>A test that needs a process of its own, for what it sets can't be taken back: another test starts it there.</summary>
internal static class OtherProcess
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>Fails where the process fails, with what it wrote.</summary>
    /// <param name="test">The type and the name of the test.</param>
    /// <param name="start">The test program; the arguments that choose the test are added.</param>
    public static async Task PassesAsync((Type Type, string Name) test, ProcessStartInfo start)
    {
        foreach (var argument in new[] { "-noColor", "-method", $"{test.Type.FullName}.{test.Name}" }) start.ArgumentList.Add(argument);
        start.RedirectStandardOutput = true;
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(s_patience);
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, output);
            Assert.Contains("Total: 1,", output, StringComparison.Ordinal);
            Assert.Contains("Skipped: 0,", output, StringComparison.Ordinal);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }
}
