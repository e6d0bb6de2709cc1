using System.Globalization;
using System.Text.RegularExpressions;

namespace XSepConv.Core.Tests.Documentation;

/// <summary><c>dotnet format</c> does not hold lines to the length in .editorconfig.</summary>
public sealed partial class LineLengthTests
{
    [Theory]
    [InlineData("src")]
    [InlineData("tools")]
    [InlineData("samples")]
    [InlineData("benchmarks")]
    public void No_line_is_longer_than_editorconfig_allows(string folder)
    {
        var settings = File.ReadAllText(Path.Combine(Repository.Root, ".editorconfig"));
        var longest = int.Parse(Length().Match(settings).Groups[1].Value, CultureInfo.InvariantCulture);
        var files = Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj")).ToList();
        var tooLong = files.SelectMany(file => File.ReadLines(file).Select((line, i) => (Place: $"{file}:{i + 1}", line.Length)))
            .Where(line => line.Length > longest).Select(line => line.Place);

        Assert.NotEmpty(files);
        Assert.Empty(tooLong);
    }

    [GeneratedRegex(@"max_line_length = (\d+)")]
    private static partial Regex Length();
}
