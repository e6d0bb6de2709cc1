using System.Diagnostics;

namespace XSepConv.Runtime.Tests.Weights;

/// <summary>What is no file is looked at before it is opened.</summary>
public sealed class StreamingFileTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("xsepconv-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void The_kind_is_what_the_system_says()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "Only Unix has these.");
        File.WriteAllText(At("file"), "");
        File.CreateSymbolicLink(At("link"), At("file"));
        File.CreateSymbolicLink(At("to nothing"), At("none"));
        MakeFifo(At("fifo"));
        Assert.Equal(
            [FileKind.Regular, FileKind.Regular, FileKind.Missing, FileKind.Missing, FileKind.Fifo, FileKind.Directory, FileKind.CharacterDevice],
            new[] { At("file"), At("link"), At("to nothing"), At("none"), At("fifo"), folder.FullName, "/dev/null" }.Select(FileKinds.Of));
    }

    [Fact]
    public void Models_and_weights_are_read_from_files_only()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no FIFOs.");
        MakeFifo(At("fifo"));
        foreach (var path in new[] { At("fifo"), "/dev/zero", folder.FullName })
        {
            Assert.Contains(path, Assert.Throws<InvalidDataException>(() => SafeTensors.Open(path)).Message, StringComparison.Ordinal);
            Assert.Contains(path, Assert.Throws<InvalidDataException>(() => CompiledModel.Load(path)).Message, StringComparison.Ordinal);
        }

        File.CreateSymbolicLink(At("link"), At("none"));
        var missing = Assert.Throws<FileNotFoundException>(() => SafeTensors.Open(At("link")));
        Assert.Contains($"is a link to '{At("none")}'", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_read_elsewhere_is_written_to_and_never_replaced()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no FIFOs.");
        MakeFifo(At("fifo"));
        Assert.Contains("nobody reads from", Assert.Throws<IOException>(() => SafeTensors.Write(At("fifo"), [])).Message, StringComparison.Ordinal);

        // Opened for both directions, a FIFO waits for nobody.
        await using var reader = new FileStream(At("fifo"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        AtomicFile.WriteAllText(At("fifo"), "through");
        var got = new byte[7];
        await reader.ReadExactlyAsync(got, TestContext.Current.CancellationToken);
        Assert.Equal("through"u8.ToArray(), got);
        Assert.Equal(FileKind.Fifo, FileKinds.Of(At("fifo")));

        AtomicFile.WriteAllText("/dev/null", "gone");
        Assert.Equal(FileKind.CharacterDevice, FileKinds.Of("/dev/null"));
        if (File.Exists("/dev/full"))
        {
            Assert.Throws<IOException>(() => AtomicFile.WriteAllText("/dev/full", "too much"));
            Assert.Equal(FileKind.CharacterDevice, FileKinds.Of("/dev/full"));
        }
    }

    [Fact]
    public void A_link_that_leads_back_to_itself_is_not_written()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege on Windows.");
        File.CreateSymbolicLink(At("a"), At("b"));
        File.CreateSymbolicLink(At("b"), At("a"));
        Assert.ThrowsAny<IOException>(() => AtomicFile.WriteAllText(At("a"), ""));
        Assert.ThrowsAny<IOException>(() => SafeTensors.Open(At("a")));
        Assert.Equal(At("b"), new FileInfo(At("a")).LinkTarget);
    }

    private static void MakeFifo(string path)
    {
        using var maker = Process.Start("mkfifo", [path]);
        maker.WaitForExit();
    }

    private string At(string name) => Path.Combine(folder.FullName, name);
}
