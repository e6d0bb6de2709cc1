using System.Diagnostics;

namespace XSepConv.Training.Tests.Distributed;

/// <summary>Two processes of Open MPI that train with the library alone, of which one fails: the other must not wait for ever.</summary>
[Collection(TorchTests.Name)]
public sealed class FailingProcessTests : IDisposable
{
    private const string Fault = "XSEPCONV_TEST_FAULT", Folder = "XSEPCONV_TEST_FOLDER", Says = "so that the others see it";

    // Without the mend it never ends; with it, within seconds.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("prepare", 0)]
    [InlineData("prepare", 1)]
    [InlineData("train", 0)]
    [InlineData("train", 1)]
    [InlineData("validate", 0)]
    [InlineData("epoch", 1)]
    public async Task One_that_fails_ends_all(string phase, int rank)
    {
        var (exitCode, error) = await Train($"{phase} {rank}");
        Assert.NotEqual(0, exitCode);
        Assert.Contains($"Process {rank} of 2 can't go on", error, StringComparison.Ordinal);
        Assert.Contains(phase == "prepare" ? "there-is-none" : Says, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task None_that_fails_ends_well()
    {
        var (exitCode, error) = await Train("none 0");
        Assert.True(exitCode == 0, error);
        Assert.True(File.Exists(_folder.At("run/best.safetensors")));
    }

    /// <summary>What each of the processes does; here alone there is nothing to do.</summary>
    [Fact]
    public void A_process_of_two()
    {
        if (Environment.GetEnvironmentVariable(Fault)?.Split(' ') is not [var phase, var rank])
        {
            Assert.Skip("This is what mpirun starts for the other tests.");
            return;
        }

        using var processes = ProcessGroup.Mpi();
        var (fails, data) = (processes.Rank.ToString() == rank, RunFolder.Data);
        var options = new TrainingOptions
        {
            Network = TorchTests.Spec(),
            OutputDirectory = Environment.GetEnvironmentVariable(Folder)!,
            Recipe = new() { Epochs = 1, BatchSize = 16 },
            Device = fails && phase == "prepare" ? "there-is-none" : "cpu",
            Threads = 1,
        };
        new Trainer(options, data, processes).Run(
            new Reporter(report => _ = fails && report.Phase == phase ? throw new InvalidOperationException(Says) : 0),
            TestContext.Current.CancellationToken);
    }

    private async Task<(int ExitCode, string Error)> Train(string fault)
    {
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(place => File.Exists(Path.Combine(place, "mpirun")));
        if (!found) Assert.Skip("Open MPI is not installed: there is no mpirun (on Debian: apt-get install openmpi-bin).");
        var start = new ProcessStartInfo("mpirun", [
            "--allow-run-as-root", "--oversubscribe", "-np", "2", Environment.ProcessPath!, "-noColor", "-method",
            $"{typeof(FailingProcessTests).FullName}.{nameof(A_process_of_two)}"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        (start.Environment[Fault], start.Environment[Folder]) = (fault, _folder.At("run"));
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            var (error, _) = (process.StandardError.ReadToEndAsync(limit.Token), process.StandardOutput.ReadToEndAsync(limit.Token));
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
