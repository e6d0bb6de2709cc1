using System.Text.Json;
using System.Text.Json.Nodes;

namespace XSepConv.Cli.Tests;

public sealed class ComparisonTests : IDisposable
{
    private const int Kills = 5;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Killed_five_times_at_random_the_same_command_reports_the_same_bits_but_for_times()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage("Seed of the moments to kill at: {0}", seed);
        TestContext.Current.TestOutputHelper?.WriteLine($"Seed of the moments to kill at: {seed}");
        var random = new Random(seed);
        string whole = Path.Combine(folder, "whole"), killed = Path.Combine(folder, "killed");
        // One run after the other, and side by side.
        var (exitCode, report, error) = await ToolProcess.Run([.. Arguments(whole), "--jobs", "1"]);
        Assert.True(exitCode == 0, error);
        CheckSummary(report, whole);
        Assert.Contains("note: Warm-up is 2 of 2 epochs; it takes half of the run, 3 of 6 steps.", error, StringComparison.Ordinal);
        Assert.Equal(4, error.Split(Environment.NewLine).Count(line => line.EndsWith(" images/s", StringComparison.Ordinal)));
        CheckRuns(whole);

        var kills = 0;
        while (kills < Kills)
        {
            using var tool = ToolProcess.Start([.. Continued(killed), "--jobs", $"{random.Next(2, 5)}"]);

            // Moments are counted in files written, so that a slow machine gets as far as a fast one; the rest of the wait falls anywhere.
            await Changes(tool, killed, random.Next(1, 5));
            await Task.Delay(random.Next(200), TestContext.Current.CancellationToken);
            if (tool.HasExited) break;
            tool.Kill();
            await tool.Finish();
            kills++;
        }

        Assert.True(kills == Kills, $"seed {seed}: only {kills} kills hit the comparison");
        (exitCode, _, error) = await ToolProcess.Run([.. Continued(killed), "--jobs", "2"]);
        Assert.True(exitCode == 0, $"seed {seed}: {error}");
        Assert.Contains("2 at a time", error, StringComparison.Ordinal);
        Assert.Equal(Timeless(whole), Timeless(killed));
    }

    [Theory]
    [InlineData("--kernels is '4': a kernel is odd", "compare", "--kernels", "4")]
    [InlineData("--kernels is '5,5': each size once", "compare", "--kernels", "5,5")]
    [InlineData("--seeds is '0': it must be a whole number from 1 to 1000", "compare", "--seeds", "0")]
    [InlineData("--width is '0': it must be above 0", "ablate", "--width", "0")]
    [InlineData("--width is '0.5,1': give one number", "ablate", "--width", "0.5,1")]
    [InlineData("--width is '0.5,0.50': each width once", "compare", "--width", "0.5,0.50")]
    [InlineData("--width is '1,nan': it must be above 0", "compare", "--width", "1,nan")]
    [InlineData("--widths is '1,2,3,4,5,6,7,8,.1': give at most 8 numbers", "compare", "--widths", "1,2,3,4,5,6,7,8,.1")]
    [InlineData("--kernels is 'table,table': each size once", "compare", "--kernels", "table,table")]
    [InlineData("--kernels is '5,7': give one number for all rows", "ablate", "--kernels", "5,7")]
    [InlineData("--kernels is '5/7': give one number for all rows, 4 for the stages", "compare", "--kernels", "9,5/7")]
    [InlineData("--kernels is '31/29/27/12': a kernel is odd", "compare", "--kernels", "31/29/27/12")]
    [InlineData("--kernels is '3,5,7,9,11,13,15,17,19': give at most 8", "compare", "--kernels", "3,5,7,9,11,13,15,17,19")]
    [InlineData("XSepConv K=5 and XSepConv K=5/5/5/5 are the same network", "compare", "--kernels", "7,5,5/5/5/5", "--limit", "20")]
    [InlineData("XSepConv ×0.5 and XSepConv ×0.501 are the same network", "compare", "--width", "0.5,1,0.501", "--limit", "20")]
    [InlineData("--network is 'huge': known are small, large, large-kernel", "compare", "--network", "huge")]
    [InlineData("--model is 'mobilenet-v3-small-twin': known are small, large", "compare", "--model", "mobilenet-v3-small-twin")]
    [InlineData("--without-2x2", "ablate", "--without-2x2")]
    [InlineData("--data folder needs --data-root", "compare", "--data", "folder")]
    [InlineData("batch", "compare", "--batch", "1")]
    public void Wrong_options_are_refused_in_one_line(string expected, params string[] args)
    {
        var line = Here.Refusal([.. args, "--out", Path.Combine(folder, "out")]);
        Assert.Contains(expected, line, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder, "out")));
    }

    /// <summary>A folder that was there is left as it was, one that was not is not made.</summary>
    [Theory]
    [InlineData("compare")]
    [InlineData("ablate")]
    public void Refused_it_leaves_no_folder_behind(string command)
    {
        var output = Path.Combine(folder, "some", "where");
        string[] args = [command, "--data", "folder", "--data-root", Path.Combine(folder, "none"), "--out", output];
        Assert.Contains(Path.Combine(folder, "none"), Here.Refusal(args), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder));

        Directory.CreateDirectory(output);
        Here.Refusal(args);
        Assert.Empty(Directory.GetFileSystemEntries(output));

        var file = Path.Combine(folder, "file");
        File.WriteAllText(file, "");
        Assert.Contains(
            $"--out is '{file}', a file; the comparison goes into a folder", Here.Refusal([.. args[..^1], file]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_ends_where_it_can_be_continued_and_another_setting_is_refused()
    {
        var output = Path.Combine(folder, "out");
        using (var tool = ToolProcess.Start(Arguments(output)))
        {
            await Changes(tool, output, 2);
            tool.Interrupt();
            var (exitCode, report, error) = await tool.Finish();
            Assert.True(exitCode == 130, $"exit code {exitCode}: {error}");
            Assert.False(JsonDocument.Parse(Here.SingleLine(report)).RootElement.GetProperty("completed").GetBoolean());
            Assert.Contains($"Continue with{Environment.NewLine}  xsepconv compare ", error, StringComparison.Ordinal);
            Assert.Contains($"--out {output} --resume{Environment.NewLine}", error, StringComparison.Ordinal);
        }

        var refusal = Here.Refusal([.. Arguments(output), "--lr", "0.5", "--resume"]);
        Assert.Contains("learning rate: 0.02 there, 0.5 now", refusal, StringComparison.Ordinal);
        Assert.Contains("compare.json", refusal, StringComparison.Ordinal);

        // The generated images are learned for seven epochs, but where something else is asked for, or several ways to pad are compared.
        List<string> unsaid = [.. Arguments(output), "--resume"];
        unsaid.RemoveRange(unsaid.IndexOf("--epochs"), 2);
        Assert.Contains("epochs: 2 there, 7 now", Here.Refusal([.. unsaid]), StringComparison.Ordinal);
        Assert.Contains("epochs: 2 there, 3 now", Here.Refusal([.. unsaid, "--recipe", "quick"]), StringComparison.Ordinal);
        Assert.Contains("epochs: 2 there, 3 now", Here.Refusal(["ablate", .. unsaid.Skip(1)]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_comparison_is_continued_or_replaced_only_when_asked_as_a_run_is()
    {
        var output = Path.Combine(folder, "out");
        Assert.Contains("There is nothing to resume", Here.Refusal([.. Arguments(output), "--resume"]), StringComparison.Ordinal);
        Assert.Contains(
            "--resume and --overwrite contradict each other", Here.Refusal(
                [.. Arguments(output), "--resume", "--overwrite"]), StringComparison.Ordinal);
        Assert.False(Directory.Exists(output));

        string[] there = ["runs/depthwise-seed0/last.safetensors", "report.html", "report.md", "report.json", "frontier.png", "mine.txt"];
        foreach (var file in there.Select(name => Path.Combine(output, name)))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, "of before");
        }

        // Not a comparison, so nothing that may be replaced.
        Assert.Contains(
            "holds training runs, but no comparison", Here.Refusal([.. Arguments(output), "--overwrite"]), StringComparison.Ordinal);
        Assert.All(there, name => Assert.True(File.Exists(Path.Combine(output, name)), name));

        File.WriteAllText(Path.Combine(output, "compare.json"), "{}");
        Assert.Contains(
            $"{output} holds a comparison already. Continue it with --resume, replace it with --overwrite", Here.Refusal(Arguments(output)),
            StringComparison.Ordinal);

        // Which runs are its own, only it says.
        Assert.Contains("compare.json can't be read", Here.Refusal([.. Arguments(output), "--overwrite"]), StringComparison.Ordinal);
        Assert.All(there, name => Assert.True(File.Exists(Path.Combine(output, name)), name));
    }

    [Fact]
    public void A_run_that_diverges_is_not_said_to_go_on()
    {
        var (exitCode, _, error) = Here.Run([.. Arguments(Path.Combine(folder, "out")), "--lr", "1e30"]);
        Assert.Equal(1, exitCode);
        var message = string.Join(' ', error.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(" diverged: ", message, StringComparison.Ordinal);
        Assert.Contains("--resume is of no use", message, StringComparison.Ordinal);
        Assert.Contains("--clip", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HUP")]
    [InlineData("INT")]
    [InlineData("TERM")]
    [InlineData("KILL")]
    public async Task A_run_that_somebody_ends_is_no_interruption_of_the_comparison(string signal)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Looks for the process of a run in /proc.");
        var output = Path.Combine(folder, "out");
        string[] args = [.. Arguments(output), "--jobs", "1"];
        args[Array.IndexOf(args, "--epochs") + 1] = "10000";
        using (var tool = ToolProcess.Start(args))
        {
            while (!tool.HasExited && !File.Exists(Path.Combine(output, "runs", "xsep-seed0", "log.jsonl")))
            {
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }

            tool.SignalChildren(signal);
            var (exitCode, report, error) = await tool.Finish();

            Assert.True(exitCode == 1, $"exit code {exitCode}: {error}");
            Assert.Equal("", report);
            Assert.Contains("The run xsep-seed0 failed: its process was ended by", error, StringComparison.Ordinal);
            Assert.Contains($"SIG{signal}", error, StringComparison.Ordinal);
        }
    }

    private static string[] Continued(string output) =>
        File.Exists(Path.Combine(output, "compare.json")) ? [.. Arguments(output), "--resume"] : Arguments(output);

    private static string[] Arguments(string output) =>
    [
        "compare", "--limit", "96", "--width", "0.1", "--epochs", "2", "--warmup", "2", "--batch", "32", "--seeds", "2", "--threads", "1",
        "--json", "--out", output,
    ];

    private static void CheckSummary(string report, string output)
    {
        var summary = JsonDocument.Parse(Here.SingleLine(report)).RootElement;
        Assert.Equal(Path.Combine(output, "report.html"), summary.GetProperty("report").GetString());
        foreach (var network in summary.GetProperty("networks").EnumerateArray())
        {
            // A process with libtorch in it takes more than 100 MB and less than this machine has.
            if (OperatingSystem.IsLinux())
            {
                Assert.InRange(network.GetProperty("peakBytes").GetInt64(), 100_000_000, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
            }

            Assert.True(network.GetProperty("latencyMilliseconds").GetProperty("runtime").GetDouble() > 0);
        }
    }

    /// <summary>Each run says how fast it was, and on Linux how many cores it had of how many that were busy.</summary>
    private static void CheckRuns(string output)
    {
        var report = JsonDocument.Parse(File.ReadAllText(Path.Combine(output, "report.json"))).RootElement;
        foreach (var network in report.GetProperty("networks").EnumerateArray())
        {
            var runs = network.GetProperty("measured").GetProperty("runs").EnumerateArray().ToList();
            Assert.Equal([0, 1], runs.Select(run => run.GetProperty("seed").GetInt32()));
            Assert.All(runs, run =>
            {
                Assert.True(run.GetProperty("imagesPerSecond").GetDouble() > 0);
                Assert.True(run.GetProperty("cores").GetDouble() > 0);
                if (!OperatingSystem.IsLinux()) return;
                Assert.InRange(run.GetProperty("busyCores").GetDouble(), 0, run.GetProperty("machineCores").GetInt32());
            });
        }
    }

    /// <summary>Waits until so many files of the comparison have been written, or the program has ended.</summary>
    private static async Task Changes(ToolProcess tool, string output, int count)
    {
        var start = DateTime.UtcNow;
        var before = Latest(output);
        while (count > 0 && !tool.HasExited)
        {
            Assert.True(DateTime.UtcNow - start < Patience, "nothing was written");
            await Task.Delay(5, TestContext.Current.CancellationToken);
            var now = Latest(output);
            if (now == before) continue;
            before = now;
            count--;
        }
    }

    private static DateTime Latest(string output)
    {
        try
        {
            return Directory.Exists(output)
                ? Directory.EnumerateFiles(output, "*.*", SearchOption.AllDirectories).Where(
                    path => path.EndsWith(".safetensors", StringComparison.Ordinal) || path.EndsWith(".json", StringComparison.Ordinal))
                    .Select(File.GetLastWriteTimeUtc).DefaultIfEmpty().Max()
                : default;
        }
        catch (DirectoryNotFoundException)
        {
            // The run begins anew while it is looked at.
            return default;
        }
    }

    /// <summary>The report without what clock and system said, and without where it is.</summary>
    private static string Timeless(string output)
    {
        var report = JsonNode.Parse(File.ReadAllText(Path.Combine(output, "report.json")))!.AsObject();
        Assert.True(report.Remove("measured"));
        Assert.True(report.Remove("command"));
        foreach (var network in report["networks"]!.AsArray()) Assert.True(network!.AsObject().Remove("measured"));
        return report.ToJsonString();
    }
}
