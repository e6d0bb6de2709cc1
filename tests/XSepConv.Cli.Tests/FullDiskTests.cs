namespace XSepConv.Cli.Tests;

[Collection(typeof(FinishedRunTests))]
public sealed class FullDiskTests(FinishedRun finished) : IDisposable
{
    private readonly string output = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public void Dispose() => Directory.Delete(output, recursive: true);

    private static string Unwrapped(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    [Theory]
    [InlineData("compare", "--limit", "40", "--width", "0.1", "--epochs", "1", "--batch", "8", "--seeds", "1", "--threads", "1")]
    [InlineData("train", "--data", "folder", "--data-root", "PICTURES", "--image-size", "128", "--width", "0.1", "--batch", "4")]
    [InlineData("compare", "--data", "folder", "--data-root", "PICTURES", "--image-size", "128", "--width", "0.1", "--batch", "4")]
    public async Task A_full_disk_is_no_wrong_input(params string[] args)
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Needs a limit on the size of files (bash's ulimit).");
        var pictures = Path.Combine(output, "pictures");
        foreach (var i in Enumerable.Range(0, 12))
        {
            // 12 pictures of 48 KiB, decoded.
            var name = i % 2 == 0 ? "grey.jpg" : "red.png";
            var of = Directory.CreateDirectory(Path.Combine(pictures, name)).FullName;
            File.Copy(Pictures.At($"kinds/{name}"), Path.Combine(of, $"{i}{Path.GetExtension(name)}"));
        }

        var (exitCode, _, error) = await ToolProcess.RunUnder(
            [
                "bash", "-c",
                $"trap '' XFSZ; ulimit -f 100; XDG_CACHE_HOME='{output}/cache' DOTNET_EnableWriteXorExecute=0 exec \"$0\" \"$@\"",
            ],
            [.. args.Select(word => word == "PICTURES" ? pictures : word), "--out", Path.Combine(output, "out")]);

        Assert.True(exitCode == 1, error);
        Assert.Contains("longer than the file system or a limit of this process allows", Unwrapped(error), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_is_full_from_the_start_leaves_nothing_to_resume_and_says_so()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Needs a limit on the size of files (bash's ulimit).");
        var (exitCode, report, error) = await ToolProcess.RunUnder(
            ["bash", "-c", "trap '' XFSZ; ulimit -f 100; DOTNET_EnableWriteXorExecute=0 exec \"$0\" \"$@\""], FinishedRun.Arguments(
                output));

        Assert.True(exitCode == 1, error);
        Assert.Equal("", report);
        var line = Here.Message(error[error.LastIndexOf("xsepconv train: ", StringComparison.Ordinal)..]);
        Assert.StartsWith("xsepconv train: The run can't be written: ", line, StringComparison.Ordinal);
        Assert.Contains("start the run again", line, StringComparison.Ordinal);
        Assert.DoesNotContain("resume the run", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_that_is_full_ends_the_run_with_what_to_do_and_loses_nothing()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Needs a limit on the size of files (bash's ulimit).");
        var last = Path.Combine(output, "last.safetensors");
        var args = FinishedRun.Arguments(output);
        using (var begun = ToolProcess.Start(args))
        {
            while (!File.Exists(Path.Combine(output, "best.safetensors")) && !begun.HasExited)
            {
                await Task.Delay(5, TestContext.Current.CancellationToken);
            }

            begun.Kill();
            await begun.Finish();
        }

        // No file may grow beyond 200 KiB, and last.safetensors has 284 KB: writing it fails in its middle, as on a full disk. The signal
        // that comes with it is
        // ignored, and .NET told to do without the file in memory that it writes code to.
        var before = File.ReadAllBytes(last);
        Assert.True(before.Length > 200 << 10);

        // The kill may have met a file half written.
        var halves = Directory.GetFiles(output, "*.tmp");
        var (exitCode, report, error) = await ToolProcess.RunUnder(
            ["bash", "-c", "trap '' XFSZ; ulimit -f 200; DOTNET_EnableWriteXorExecute=0 exec \"$0\" \"$@\""], [.. args, "--resume"]);

        Assert.True(exitCode == 1, error);
        Assert.Equal("", report);
        var line = Here.Message(error[error.LastIndexOf("xsepconv train: ", StringComparison.Ordinal)..]);
        Assert.StartsWith("xsepconv train: The run can't be written: ", line, StringComparison.Ordinal);
        Assert.Contains($"{last} is kept, from ", line, StringComparison.Ordinal);
        Assert.Contains("Make room (a checkpoint takes 0.4 MB", line, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(last));
        Assert.Equal(halves, Directory.GetFiles(output, "*.tmp"));

        Assert.Equal(0, (await ToolProcess.Run([.. args, "--resume"])).ExitCode);
        foreach (var name in new[] { "best.safetensors", "last.safetensors" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(finished.Output, name)), File.ReadAllBytes(Path.Combine(output, name)));
        }
    }
}
