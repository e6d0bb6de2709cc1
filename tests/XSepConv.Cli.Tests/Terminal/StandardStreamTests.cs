
namespace XSepConv.Cli.Tests;

/// <summary>Standard output and error that are closed, full, or whose reader is gone: never a crash, always the exit code.</summary>
public sealed class StandardStreamTests
{
    [Theory]
    [InlineData(">&-")]
    [InlineData("> /dev/full")]
    // More lines than a pipe holds.
    [InlineData("| head -n 1 > /dev/null")]
    public async Task Output_that_cant_be_written_is_said_and_is_exit_code_1(string redirection)
    {
        var (exitCode, output, error) = await Under(redirection, "plan", "60000");

        Assert.Equal(1, exitCode);
        Assert.Equal("", output);
        Assert.StartsWith("xsepconv plan: Standard output can't be written: ", Here.Message(error), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(">")]
    [InlineData(">>")]
    public async Task What_others_write_to_the_same_file_goes_behind_what_was_written(string redirection)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs bash.");
        var folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;
        try
        {
            var file = Path.Combine(folder, "out");
            var (exitCode, _, error) = await ToolProcess.RunUnder(
                ["bash", "-c",
                    $"{{ \"$0\" \"$@\"; echo between; \"$0\" \"$@\" --json; echo after; }} {redirection} '{file}'"], "plan", "2");

            Assert.Equal((0, ""), (exitCode, error));
            var lines = await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken);
            Assert.Equal(1, lines.Count(line => line == "between"));
            Assert.Equal("after", lines[^1]);
            Assert.StartsWith("{", lines[^2], StringComparison.Ordinal);
            Assert.Equal("between", lines[^3]);
            Assert.NotEqual("between", lines[0]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("2>&-", 2, "plan", "none")]
    [InlineData("2> /dev/full", 2, "plan", "none")]
    [InlineData("2> /dev/full", 2, "predict", "--checkpoint", "none", "none.png")]
    [InlineData("2>&- >&-", 1, "plan", "2")]
    [InlineData("2>&-", 0, "plan", "2")]
    [InlineData("> /dev/full 2>&1", 1, "--help")]
    [InlineData(">&- 2>&-", 2, "compared-run", "none", "none")]
    public async Task An_error_that_cant_be_said_keeps_its_exit_code(string redirection, int expected, params string[] args) =>
        Assert.Equal(expected, (await Under(redirection, args)).ExitCode);

    [Fact]
    public async Task A_libtorch_that_cant_be_loaded_is_one_line_with_what_to_do()
    {
        // Its files, without the natives.
        var folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;
        try
        {
            foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll")
                .Concat(Directory.EnumerateFiles(AppContext.BaseDirectory, "xsepconv.*")))
            {
                if (!Path.GetFileName(file).Contains("torch_", StringComparison.OrdinalIgnoreCase))
                {
                    File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
                }
            }

            File.Delete(Path.Combine(folder, "xsepconv.deps.json"));
            // Counting needs none.
            Assert.Equal(0, (await ToolProcess.RunFrom(folder, [("NUGET_PACKAGES", folder)], "summary")).ExitCode);
            foreach (var args in new string[][] { ["train"], ["export", "--checkpoint", Path.Combine(folder, "xsepconv.dll"), "--out", "x"] })
            {
                var (exitCode, output, error) = await ToolProcess.RunFrom(folder, [("NUGET_PACKAGES", folder)], args);
                Assert.Equal(1, exitCode);
                Assert.Equal("", output);
                var line = Here.Message(error);
                Assert.StartsWith($"xsepconv {args[0]}: libtorch can't be loaded: ", line, StringComparison.Ordinal);
                Assert.Contains("install it again, or build it from a clone", line, StringComparison.Ordinal);
                Assert.InRange(line.Length, 1, 400);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(int ExitCode, string Out, string Error)> Under(string redirection, params string[] args)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs bash.");
        return await ToolProcess.RunUnder(["bash", "-c", $"set -o pipefail; \"$0\" \"$@\" {redirection}"], args);
    }
}
