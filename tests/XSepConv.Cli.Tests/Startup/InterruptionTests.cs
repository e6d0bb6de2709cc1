using System.Diagnostics;
using System.Text.Json;

namespace XSepConv.Cli.Tests;

[Collection(typeof(FinishedRunTests))]
public sealed class InterruptionTests(FinishedRun finished) : IDisposable
{
    private const int Kills = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string output = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    private string Last => Path.Combine(output, "last.safetensors");

    [Fact]
    public async Task Ctrl_C_ends_after_the_step_with_130_and_the_run_goes_on_from_there()
    {
        // More epochs than anyone waits for.
        string[] args = ["train", "--limit", "40", "--width", "0.1", "--epochs", "100000", "--batch", "8", "--threads", "1", "--save-every",
            "1", "--json", "--out", output];

        var (epoch, step) = await InterruptAfterASave(args);
        var (laterEpoch, laterStep) = await InterruptAfterASave(
            [.. args, "--resume"], $", continued in epoch {epoch + 1:N0} after {step} step");

        Assert.True(
            (laterEpoch, laterStep).CompareTo((epoch, step)) > 0, $"resumed at {(epoch, step)}, ended at {(laterEpoch, laterStep)}");
    }

    [Fact]
    public async Task A_closed_terminal_ends_after_the_step_with_129_saved()
    {
        using var tool = ToolProcess.Start("train", "--limit", "40", "--width", "0.1", "--epochs", "100000", "--batch", "8", "--threads",
            "1", "--save-every", "1", "--json", "--out", output);
        await SavesOf(tool, 1);
        tool.HangUp();
        var (exitCode, report, error) = await tool.Finish();

        Assert.True(exitCode == 129, $"exit code {exitCode}: {error}");
        Assert.False(JsonDocument.Parse(Here.SingleLine(report)).RootElement.GetProperty("completed").GetBoolean());
        Assert.Contains("--resume", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_killed_at_random_moments_and_resumed_ends_with_the_bytes_of_one_left_alone()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage("Seed of the moments to kill at: {0}", seed);
        TestContext.Current.TestOutputHelper?.WriteLine($"Seed of the moments to kill at: {seed}");
        var random = new Random(seed);
        var args = FinishedRun.Arguments(output);
        var killed = 0;
        while (killed < Kills)
        {
            using var tool = ToolProcess.Start(Continued(args));

            // Moments are counted in saves, so that a slow machine gets as far as a fast one; the rest of the wait falls anywhere in a
            // step.
            await SavesOf(tool, random.Next(1, 4));
            await Task.Delay(random.Next(60), TestContext.Current.CancellationToken);
            if (tool.HasExited) break;
            tool.Kill();
            await tool.Finish();
            killed++;
        }

        Assert.True(killed >= 2, $"seed {seed}: only {killed} kills hit the run");
        var (exitCode, report, error) = await ToolProcess.Run(Continued(args));

        Assert.True(exitCode == 0, $"seed {seed}: {error}");
        Assert.Equal(JsonDocument.Parse(finished.Out).RootElement.GetProperty("test").GetRawText(),
            JsonDocument.Parse(report).RootElement.GetProperty("test").GetRawText());
        foreach (var name in new[] { "last.safetensors", "best.safetensors" }) AssertSameBytes(name, seed);
    }

    public void Dispose() => Directory.Delete(output, recursive: true);

    private async Task<(int Epoch, int Step)> InterruptAfterASave(string[] args, string said = "")
    {
        using var tool = ToolProcess.Start(args);
        await SavesOf(tool, 1);
        tool.Interrupt();
        var (exitCode, report, error) = await tool.Finish();

        Assert.True(exitCode == 130, $"exit code {exitCode}: {error}");
        Assert.False(JsonDocument.Parse(Here.SingleLine(report)).RootElement.GetProperty("completed").GetBoolean());
        Assert.Contains(said, error, StringComparison.Ordinal);
        Assert.Contains("--resume", error, StringComparison.Ordinal);
        Assert.DoesNotContain("NNPACK", error, StringComparison.OrdinalIgnoreCase);
        using var file = SafeTensors.Open(Last);
        var state = JsonDocument.Parse(file.Metadata["xsepconv.training"]).RootElement;
        var (epoch, step) = (state.GetProperty("epochsDone").GetInt32(), state.GetProperty("stepsDone").GetInt32());

        // A step has been taken, whenever the signal came: the first look at it is after one.
        Assert.InRange(step, 1, 5);
        return (epoch, step);
    }

    private string[] Continued(string[] args) => File.Exists(Last) ? [.. args, "--resume"] : args;

    /// <summary>Waits until the checkpoint has been replaced so many times, or the program has ended.</summary>
    private async Task SavesOf(ToolProcess tool, int count)
    {
        var watch = Stopwatch.StartNew();
        var before = File.GetLastWriteTimeUtc(Last);
        while (count > 0 && !tool.HasExited)
        {
            Assert.True(watch.Elapsed < Patience, "no checkpoint was written");
            await Task.Delay(2, TestContext.Current.CancellationToken);
            var now = File.GetLastWriteTimeUtc(Last);
            if (now == before) continue;
            before = now;
            count--;
        }
    }

    private void AssertSameBytes(string name, int seed)
    {
        using var expected = SafeTensors.Open(Path.Combine(finished.Output, name));
        using var actual = SafeTensors.Open(Path.Combine(output, name));
        Assert.Equal(expected.Tensors.Keys, actual.Tensors.Keys);
        Assert.NotEmpty(expected.Tensors);
        foreach (var tensor in expected.Tensors.Keys)
        {
            Assert.True(
                expected.ReadBytes(tensor).AsSpan().SequenceEqual(actual.ReadBytes(tensor)), $"seed {seed}: {name}, {tensor} differs");
        }
    }
}
