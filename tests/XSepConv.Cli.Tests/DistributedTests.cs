using System.Text.Json;

namespace XSepConv.Cli.Tests;

/// <summary>Two processes of Open MPI on one machine.</summary>
public sealed class DistributedTests : IDisposable
{
    private static readonly string[] Mpirun = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-np", "2"];

    // Dropout, mixup, clipping, an average: all that could differ between one process and two.
    private static readonly string[] Recipe =
    [
        "train", "--data", "shapes", "--limit", "150", "--width", "0.1", "--epochs", "3", "--seed", "7", "--threads", "1", "--optimizer",
        "adamw", "--lr", "0.002",
        "--dropout", "0.2", "--augment", "strong", "--clip", "1", "--ema", "0.9", "--json",
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Two_processes_learn_what_one_learns_that_accumulates_their_batches()
    {
        RequireMpi();
        var (one, two) = (Path.Combine(folder, "one"), Path.Combine(folder, "two"));
        var alone = await ToolProcess.Run([.. Recipe, "--batch", "16", "--accumulate", "2", "--out", one]);
        var together = await ToolProcess.RunUnder(Mpirun, [.. Recipe, "--batch", "32", "--distributed", "mpi", "--out", two]);
        Assert.True(alone.ExitCode == 0, alone.Error);
        Assert.True(together.ExitCode == 0, together.Error);
        Assert.Single(together.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));

        // A sum of two does not depend on their order: weights, moments and losses are the same bits. Running statistics see both batches
        // at once instead of one
        // after the other, so that they, and with them the validation, are close.
        using var expected = SafeTensors.Open(Path.Combine(one, "last.safetensors"));
        using var actual = SafeTensors.Open(Path.Combine(two, "last.safetensors"));
        Assert.Equal(expected.Tensors.Keys.Order(), actual.Tensors.Keys.Order());
        var compared = 0;
        foreach (
            var name in expected.Tensors.Keys.Where(name =>
            !name.Contains("running_", StringComparison.Ordinal) && !name.EndsWith("num_batches_tracked", StringComparison.Ordinal)))
        {
            Assert.True(expected.ReadBytes(name).AsSpan().SequenceEqual(actual.ReadBytes(name)), name);
            compared++;
        }

        Assert.True(compared > 300, $"{compared} tensors");
        var (expectedLog, actualLog) = (Log(one), Log(two));
        Assert.Equal(expectedLog.Select(epoch => epoch.GetProperty("trainLoss").GetDouble()),
            actualLog.Select(epoch => epoch.GetProperty("trainLoss").GetDouble()));
        Assert.Equal(expectedLog.Select(epoch => epoch.GetProperty("trainTop1").GetDouble()),
            actualLog.Select(epoch => epoch.GetProperty("trainTop1").GetDouble()));
        foreach (var (a, b) in expectedLog.Zip(actualLog))
        {
            Assert.Equal(a.GetProperty("validationLoss").GetDouble(), b.GetProperty("validationLoss").GetDouble(), 0.05);
        }
    }

    [Fact]
    public async Task A_process_that_dies_ends_the_others_and_the_run_goes_on_from_its_checkpoint_to_the_same_bits()
    {
        RequireMpi();
        var (whole, killed) = (Path.Combine(folder, "whole"), Path.Combine(folder, "killed"));
        string[] args = [.. Recipe, "--batch", "32", "--save-every", "1", "--distributed", "mpi", "--out"];
        Assert.Equal(0, (await ToolProcess.RunUnder(Mpirun, [.. args, whole])).ExitCode);

        // The second process kills itself as soon as there is a checkpoint of the second epoch; mpirun ends the first.
        string[] dying = ["bash", "-c",
            $"if [ $OMPI_COMM_WORLD_RANK = 1 ]; then me=$$; (until [ -s '{killed}/log.jsonl' ]; do sleep 0.02; done; kill -9 $me) "
            + ">/dev/null 2>&1 & fi; exec \"$0\" \"$@\""];
        var died = await ToolProcess.RunUnder([.. Mpirun, .. dying], [.. args, killed]);
        Assert.NotEqual(0, died.ExitCode);
        Assert.Equal("", died.Out);

        var resumed = await ToolProcess.RunUnder(Mpirun, [.. args, killed, "--resume"]);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        foreach (var name in new[] { "best.safetensors", "last.safetensors" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole, name)), File.ReadAllBytes(Path.Combine(killed, name)));
        }
    }

    [Fact]
    public async Task Ctrl_C_saves_and_the_run_goes_on_to_the_same_bits()
    {
        RequireMpi();
        var (whole, stopped) = (Path.Combine(folder, "whole"), Path.Combine(folder, "stopped"));
        string[] args = [.. Recipe, "--batch", "32", "--distributed", "mpi", "--out"];
        Assert.Equal(0, (await ToolProcess.RunUnder(Mpirun, [.. args, whole])).ExitCode);

        // mpirun waits a second after SIGTERM before it kills, on a busy machine too short for a save.
        using (var tool = ToolProcess.StartUnder([.. Mpirun, "--mca", "odls_base_sigkill_timeout", "8"], [.. args, stopped]))
        {
            while (!File.Exists(Path.Combine(stopped, "best.safetensors")) && !tool.HasExited)
            {
                await Task.Delay(2, TestContext.Current.CancellationToken);
            }

            tool.Interrupt();
            await tool.Finish();
        }

        using (var saved = SafeTensors.Open(Path.Combine(stopped, "last.safetensors")))
        {
            // Without --save-every only a run that was told to stop saves within an epoch, or is at an end.
            var state = JsonDocument.Parse(saved.Metadata["xsepconv.training"]).RootElement;
            Assert.True(
                state.GetProperty("stepsDone").GetInt32() > 0 || state.GetProperty("epochsDone").GetInt32() == 3, state.GetRawText());
        }

        Assert.Equal(0, (await ToolProcess.RunUnder(Mpirun, [.. args, stopped, "--resume"])).ExitCode);
        foreach (var name in new[] { "best.safetensors", "last.safetensors" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole, name)), File.ReadAllBytes(Path.Combine(stopped, name)));
        }
    }

    [Theory]
    [InlineData("The batch size is 33, it must be a multiple of the 2 processes", "--batch", "33")]
    [InlineData("There is nothing to resume", "--resume")]
    public async Task What_none_of_them_can_do_is_said_once(string expected, params string[] args)
    {
        RequireMpi();
        var (exitCode, output, error) = await ToolProcess.RunUnder(
            Mpirun, [.. Recipe, "--distributed", "mpi", "--out", Path.Combine(folder, "run"), .. args]);
        Assert.Equal(2, exitCode);
        Assert.Equal("", output);
        Assert.Equal(2, error.Split("xsepconv train").Length);
        Assert.Contains(expected, string.Join(' ', error.Split('\n').Select(line => line.Trim())), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_process_that_mpirun_did_not_start_trains_alone_and_says_so()
    {
        RequireMpi();
        string[] args = [.. Recipe[..7], "--epochs", "1", .. Recipe[9..]];
        var (alone, group) = (Path.Combine(folder, "alone"), Path.Combine(folder, "group"));
        Assert.Equal(0, (await ToolProcess.Run([.. args, "--out", alone])).ExitCode);
        var (exitCode, _, error) = await ToolProcess.Run([.. args, "--distributed", "mpi", "--out", group]);
        Assert.Equal(0, exitCode);
        Assert.Contains(
            "mpirun started no other process (mpirun -np 2 xsepconv train …), so this one trains alone", error, StringComparison.Ordinal);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(alone, "last.safetensors")), File.ReadAllBytes(Path.Combine(group, "last.safetensors")));
    }

    private static void RequireMpi()
    {
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(place => File.Exists(Path.Combine(place, "mpirun")));
        if (!found) Assert.Skip("Open MPI is not installed: there is no mpirun (on Debian: apt-get install openmpi-bin).");
    }

    private static List<JsonElement> Log(string run) =>
        [.. File.ReadAllLines(Path.Combine(run, "log.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];
}
