using XSepConv.Cli.Options;

namespace XSepConv.Cli.Tests;

public sealed class OpenMpWaitingTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>
    /// GCC's OpenMP itself says what it has read: 1,000 rounds unless told otherwise, all of it before libtorch is loaded.
    /// </summary>
    [Theory]
    [InlineData("GOMP_SPINCOUNT = '1000'", null, null)]
    [InlineData("GOMP_SPINCOUNT = '77'", "GOMP_SPINCOUNT", "77")]
    [InlineData("GOMP_SPINCOUNT = '0'", "OMP_WAIT_POLICY", "passive")]
    [InlineData("GOMP_SPINCOUNT = '30000000000'", "OMP_WAIT_POLICY", "active")]
    public async Task Threads_sleep_soon_unless_the_user_wants_it_otherwise(string expected, string? name, string? value)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "libtorch has another OpenMP here.");

        // The variables of whoever runs the tests: empty counts as not set.
        List<(string, string)> environment = [("OMP_DISPLAY_ENV", "verbose"), ("OMP_WAIT_POLICY", ""), ("GOMP_SPINCOUNT", "")];
        if (name is not null) environment.Add((name, value!));
        var (exitCode, _, error) = await ToolProcess.RunWith(
            [.. environment], "train", "--data", "shapes", "--limit", "32", "--width", "0.1", "--epochs", "1", "--batch", "16", "--threads",
            "1", "--json", "--out", Path.Combine(folder, "run"));
        Assert.True(exitCode == 0, error);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    /// <summary>Cores ÷ threads, while there is 1 GiB for each.</summary>
    [Theory]
    [InlineData(2, 1, 24L << 30, 2)]
    [InlineData(8, 3, 24L << 30, 2)]
    [InlineData(2, 8, 24L << 30, 1)]
    [InlineData(64, 1, 16L << 30, 16)]
    [InlineData(4, 1, 100L << 20, 1)]
    public void As_many_runs_are_side_by_side_as_cores_and_memory_take(int cores, int threads, long bytes, int expected) =>
        Assert.Equal(expected, JobsOption.Usual(cores, threads, bytes));
}
