using System.Diagnostics;

namespace XSepConv.Cli.Tests;

/// <summary>Where a network is written to that is no file in a folder.</summary>
public sealed class OutputTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("xsepconv-").FullName;

    public OutputTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such files.");
        using var network = TrainedFile.Network(3, 2);
        TrainedFile.Write(At("good.safetensors"), network, TrainedFile.Data(3, 20, "a", "b"));
    }

    [Theory]
    [InlineData("/dev/stdout", "> {0}", "")]
    [InlineData("-", "> {0}", "")]
    [InlineData("/dev/fd/1", "| cat > {0}", "")]
    [InlineData("/proc/self/fd/1", ">> {0}", "before")]
    [InlineData("link", "> {0}", "")]
    public async Task Standard_output_gets_the_bytes_and_nothing_else(string path, string redirection, string before)
    {
        File.CreateSymbolicLink(At("link"), "/dev/stdout");
        File.WriteAllText(At("got"), before);
        var (exitCode, _, error) = await Export(
            string.Format(System.Globalization.CultureInfo.InvariantCulture, redirection, At("got")), path == "link" ? At("link") : path);

        Assert.True(exitCode == 0, error);
        Assert.Contains("ONNX", Here.SingleLine(error), StringComparison.Ordinal);
        Assert.Equal([.. System.Text.Encoding.UTF8.GetBytes(before), .. Expected()], File.ReadAllBytes(At("got")));
    }

    /// <summary>The same command gives the same bytes, wherever they go.</summary>
    [Theory]
    [InlineData("import")]
    [InlineData("convert")]
    public async Task Standard_output_gets_the_network_and_nothing_else(string command)
    {
        string[] arguments = command == "convert" ? [command, "--checkpoint", At("good.safetensors"), "--kernel", "3"]
            : [command, ForeignFile.Write(At("foreign"), "mobilenet_v3_small", 3), "--from", "torchvision", "--model", "mobilenet_v3_small"];
        var (exitCode, _, error) = await ToolProcess.RunUnder(
            ["bash", "-c", $"\"$0\" \"$@\" > '{At("got")}'"], [.. arguments, "--out", "-"]);
        Assert.True(exitCode == 0, error);
        Assert.Equal(0, Here.Run([.. arguments, "--out", At("file")]).ExitCode);
        Assert.Equal(File.ReadAllBytes(At("file")), File.ReadAllBytes(At("got")));
    }

    [Fact]
    public async Task What_a_shell_writes_next_goes_behind_the_bytes()
    {
        var (exitCode, _, error) = await ToolProcess.RunUnder(
            ["bash", "-c", $"{{ \"$0\" \"$@\" && printf after; }} > '{At("got")}'"], "export", "--checkpoint", At(
                "good.safetensors"), "--out", "-");

        Assert.True(exitCode == 0, error);
        Assert.Equal([.. Expected(), .. "after"u8], File.ReadAllBytes(At("got")));
    }

    [Fact]
    public async Task A_pipes_reader_gets_the_bytes_and_the_pipe_stays_one()
    {
        using (var maker = Process.Start("mkfifo", [At("pipe")])) await maker.WaitForExitAsync(TestContext.Current.CancellationToken);
        var waiting = Here.Run("export", "--checkpoint", At("good.safetensors"), "--out", At("pipe"));
        Assert.Equal(2, waiting.ExitCode);
        Assert.Contains("that nobody reads from", Here.Message(waiting.Error), StringComparison.Ordinal);

        // Opened for both directions, a FIFO waits for nobody.
        var got = new byte[Expected().Length];
        await using var reader = new FileStream(At("pipe"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        var reading = Task.Run(() => reader.ReadExactly(got), TestContext.Current.CancellationToken);
        var (exitCode, output, error) = await Task.Run(
            () => Here.Run("export", "--checkpoint", At("good.safetensors"), "--out", At("pipe")), TestContext.Current.CancellationToken);
        Assert.True(exitCode == 0, error);
        Assert.Contains("ONNX", Here.SingleLine(output), StringComparison.Ordinal);
        await reading;
        Assert.Equal(Expected(), got);
        Assert.Equal(FileKind.Fifo, FileKinds.Of(At("pipe")));
    }

    [Fact]
    public void A_full_device_is_reported_and_stays_a_device()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        var (exitCode, output, error) = Here.Run("export", "--checkpoint", At("good.safetensors"), "--out", "/dev/full");

        Assert.Equal(1, exitCode);
        Assert.Equal("", output);
        Assert.Contains("No space left on device", Here.Message(error), StringComparison.Ordinal);
        Assert.Equal(FileKind.CharacterDevice, FileKinds.Of("/dev/full"));
        Assert.Equal(0, Here.Run("export", "--checkpoint", At("good.safetensors"), "--out", "/dev/null").ExitCode);
        Assert.Equal(FileKind.CharacterDevice, FileKinds.Of("/dev/null"));
    }

    [Fact]
    public void A_link_to_a_file_stays_one_and_the_file_is_replaced()
    {
        File.WriteAllText(At("target"), "old");
        File.CreateSymbolicLink(At("link"), At("target"));
        Assert.Equal(0, Here.Run("export", "--checkpoint", At("good.safetensors"), "--out", At("link")).ExitCode);

        Assert.Equal(At("target"), new FileInfo(At("link")).LinkTarget);
        Assert.Equal(Expected(), File.ReadAllBytes(At("target")));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string At(string name) => Path.Combine(folder, name);

    /// <summary>The same network and options give the same bytes.</summary>
    private byte[] Expected()
    {
        Assert.Equal(0, Here.Run("export", "--checkpoint", At("good.safetensors"), "--out", At("expected.onnx")).ExitCode);
        return File.ReadAllBytes(At("expected.onnx"));
    }

    private Task<(int ExitCode, string Out, string Error)> Export(string redirection, string path) =>
        ToolProcess.RunUnder(["bash", "-c", $"set -o pipefail; \"$0\" \"$@\" {redirection}"], "export", "--checkpoint",
            At("good.safetensors"), "--out", path);
}
