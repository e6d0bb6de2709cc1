using System.Text.Json;
using System.Text.RegularExpressions;
using XSepConv.Cli.Options;

namespace XSepConv.Cli.Tests;

/// <summary>More threads than cores are not started, and that is said; what is stored is what ran.</summary>
[Collection(typeof(FinishedRunTests))]
public sealed class ThreadsTests(FinishedRun finished) : IDisposable
{
    // .NET's word for how many cores a process may use, so that it is the same on every machine.
    private static readonly (string, string)[] TwoCores = [("DOTNET_PROCESSOR_COUNT", "2")];

    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(8, 8, null)]
    [InlineData(8, 3, null)] // OMP_NUM_THREADS asks for fewer than are idle
    [InlineData(5, 8, 5)]
    [InlineData(1, 8, 1)]
    public void There_is_a_thread_for_each_idle_core_of_as_many_as_are_usual(int idle, int usual, int? expected) =>
        Assert.Equal(expected, DeviceOptions.Beside(idle, usual)?.Threads);

    [Theory]
    [InlineData("4", "2", 2)] // more than cores: as a run would go on with
    [InlineData("1", "8", 1)] // fewer than are idle
    public async Task Libtorch_s_own_number_of_threads_is_kept_to_the_cores(string usual, string cores, int most)
    {
        var output = Path.Combine(folder, "out");
        var (exitCode, _, error) = await ToolProcess.RunWith(
            [("OMP_NUM_THREADS", usual), ("DOTNET_PROCESSOR_COUNT", cores)], "train", "--limit", "20", "--width", "0.1", "--batch", "8",
            "--epochs", "1", "--json", "--out", output);

        Assert.True(exitCode == 0, error);
        using var file = SafeTensors.Open(Path.Combine(output, "last.safetensors"));
        var threads = JsonDocument.Parse(file.Metadata["xsepconv.training"]).RootElement.GetProperty("threads").GetInt32();

        // How many cores are idle is for the machine to say: where it is fewer, so does the tool.
        var said = Regex.Match(error, @"(\d+)\s+threads?\s+(is|are)\s+faster\s+then");
        Assert.Equal(said.Success ? int.Parse(said.Groups[1].Value) : most, threads);
        Assert.InRange(threads, 1, most);
    }

    [Theory]
    [InlineData("predict", "--checkpoint", "BEST", "none.png")]
    [InlineData("evaluate", "--checkpoint", "BEST", "--limit", "20", "--json")]
    [InlineData("profile", "--checkpoint", "BEST", "--json")]
    [InlineData("train", "--limit", "20", "--width", "0.1", "--batch", "8", "--epochs", "1", "--json", "--out", "OUT")]
    [InlineData("compare", "--limit", "20", "--width", "0.1", "--batch", "8", "--epochs", "1", "--seeds", "1", "--json", "--out", "OUT")]
    public async Task A_thousand_threads_on_two_cores_are_two(params string[] args)
    {
        var (exitCode, output, error) = await ToolProcess.RunWith(
            TwoCores, [.. args.Select(word => word == "BEST" ? finished.Best : word == "OUT" ? Path.Combine(folder, "out") : word),
                "--threads", "1000"]);

        Assert.True(exitCode == (args[0] == "predict" ? 2 : 0), error);
        Assert.Equal(1, error.Split("--threads is 1000, but there are 2 cores here: 2 will be used.").Length - 1);
        if (args[0] == "profile") Assert.Equal(2, JsonDocument.Parse(output).RootElement.GetProperty("threads").GetInt32());
        if (args[0] == "train")
        {
            using var file = SafeTensors.Open(Path.Combine(folder, "out", "last.safetensors"));
            Assert.Equal(2, JsonDocument.Parse(file.Metadata["xsepconv.training"]).RootElement.GetProperty("threads").GetInt32());
        }

        if (args[0] == "compare")
        {
            var manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "out", "compare.json"))).RootElement;
            Assert.Equal("2", manifest.GetProperty("settings").GetProperty("threads").GetString());
        }
    }
}
