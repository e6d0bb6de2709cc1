using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using XSepConv.Build;

namespace XSepConv.Core.Tests.Build;

/// <summary>The build's targets give a program the library that its packages have now, whatever the dates of files.</summary>
public sealed class WeakGlibcxxTargetTests : IDisposable
{
    private const string Name = "libLibTorchSharp.so";

    private static readonly string Package = typeof(WeakGlibcxxTargetTests).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "TorchSharpLinuxLibrary").Value!;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Another_version_of_the_package_replaces_the_copy_of_the_one_before_also_when_it_is_older()
    {
        var targets = Path.Combine(
            Documentation.Repository.Root, "src", "XSepConv.Core", "buildTransitive", "net10.0", "XSepConv.Core.targets");
        await File.WriteAllTextAsync(
            _folder.File("program.proj"),
            $"""
            <Project>
              <PropertyGroup>
                <TorchSharpWeakGlibcxx>always</TorchSharpWeakGlibcxx>
                <IntermediateOutputPath>obj/</IntermediateOutputPath>
              </PropertyGroup>
              <Target Name="ResolvePackageAssets">
                <ItemGroup>
                  <NativeCopyLocalItems Include="$(Library)" DestinationSubPath="{Name}" />
                  <RuntimeTargetsCopyLocalItems Include="$(Library)" DestinationSubPath="runtimes/linux-x64/native/{Name}" />
                </ItemGroup>
              </Target>
              <Import Project="{targets}" />
            </Project>
            """,
            TestContext.Current.CancellationToken);
        var first = await File.ReadAllBytesAsync(Package, TestContext.Current.CancellationToken);
        byte[] second = [.. first, 1, 2, 3, 4];
        foreach (var (version, content, year) in new[] { ("1", first, 2024), ("2", second, 2001), ("1", first, 2024), ("2", second, 2001) })
        {
            Directory.CreateDirectory(_folder.File(version));
            var library = Path.Combine(_folder.File(version), Name);
            await File.WriteAllBytesAsync(library, content, TestContext.Current.CancellationToken);
            File.SetLastWriteTimeUtc(library, new DateTime(year, 1, 1, 0, 0, 0, DateTimeKind.Utc));
            byte[] expected = [.. content];
            Assert.True(WeakGlibcxxRequirement.Weaken(expected, "GLIBCXX_3.4.32"));
            foreach (var (path, destination) in await Build(library))
            {
                Assert.EndsWith(Name, destination, StringComparison.Ordinal);
                Assert.True(
                    (await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken)).AsSpan().SequenceEqual(expected),
                    $"{path} is not that of version {version}.");
            }
        }
    }

    private async Task<List<(string Path, string Destination)>> Build(string library)
    {
        var start = new ProcessStartInfo("dotnet",
        [
            "msbuild", _folder.File("program.proj"), "-nologo", "-nodeReuse:false", "-t:ResolvePackageAssets", $"-p:Library={library}",
            "-getItem:NativeCopyLocalItems", "-getItem:RuntimeTargetsCopyLocalItems",
        ])
        {
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, said);
        using var items = JsonDocument.Parse(said);
        var found = items.RootElement.GetProperty("Items").EnumerateObject().SelectMany(kind => kind.Value.EnumerateArray())
            .Select(item => (item.GetProperty("FullPath").GetString()!, item.GetProperty("DestinationSubPath").GetString()!)).ToList();
        Assert.Equal(2, found.Count);
        return found;
    }
}
