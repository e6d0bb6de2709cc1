using System.Reflection;
using System.Text.RegularExpressions;

namespace XSepConv.Core.Tests.Documentation;

/// <summary>Ours is said in Directory.Build.props, TorchSharp's in Directory.Packages.props; all other places repeat them.</summary>
public sealed partial class VersionTests
{
    private static readonly string s_ours = Property("Directory.Build.props", "Version");
    private static readonly string s_torchSharp = Property("Directory.Packages.props", "TorchSharpVersion");

    [Fact]
    public void The_libraries_have_it()
    {
        foreach (var assembly in new[] { typeof(XSepBlock).Assembly, typeof(CompiledModel).Assembly, typeof(OnnxExporter).Assembly })
        {
            var version = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
            Assert.Equal(s_ours, version.Split('+')[0]);
        }
    }

    [Fact]
    public void The_pages_install_it()
    {
        var lines = Repository.Pages("docs", "*.md").Concat(Repository.Pages("src", "README.md")).Append("README.md")
            .SelectMany(page => Installed().Matches(File.ReadAllText(Path.Combine(Repository.Root, page)))).ToList();

        Assert.NotEmpty(lines);
        Assert.All(lines, line =>
            Assert.Equal(line.Groups["package"].Value.StartsWith("TorchSharp", StringComparison.Ordinal) ? s_torchSharp : s_ours, line.Groups["version"].Value));
    }

    [Fact]
    public void The_changelog_the_samples_and_the_consumer_have_it()
    {
        Assert.Contains($"\n## [{s_ours}]", File.ReadAllText(Path.Combine(Repository.Root, "CHANGELOG.md")));
        Assert.All(["Classify", "Native", "Serve", "Transfer"], name => Assert.Equal(s_ours, Property($"samples/{name}/{name}.csproj", "XSepConvVersion")));
        Assert.Contains($"\"TorchSharp-cpu\" Version=\"{s_torchSharp}\"", File.ReadAllText(Path.Combine(Repository.Root, "tests/Consumer/Consumer.csproj")));
    }

    private static string Property(string file, string name) =>
        Regex.Match(File.ReadAllText(Path.Combine(Repository.Root, file)), $"<{name}(?: [^>]*)?>([^<]+)</{name}>").Groups[1].Value;

    [GeneratedRegex(@"dotnet add package (?<package>\S+) --version (?<version>\S+)")]
    private static partial Regex Installed();
}
