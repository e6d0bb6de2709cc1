using System.Text.RegularExpressions;

namespace XSepConv.Core.Tests.Documentation;

public partial class FromTheNotesTests
{
    [Fact]
    public void Every_row_of_from_the_notes_names_a_test_that_exists()
    {
        var rows = File.ReadLines(Path.Combine(Repository.Root, "docs/from-the-notes.md")).Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1).ToList();
        var sources = string.Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText));

        Assert.Equal(9, rows.Count);
        foreach (var row in rows)
        {
            var names = TestNames().Matches(row).Select(match => match.Groups[1].Value).ToList();
            Assert.True(names.Count > 0, $"No test is named in: {row}");
            Assert.All(names, name => Assert.Contains($"public void {name}(", sources));
        }
    }

    [GeneratedRegex(@"`(\w+_\w+)`")]
    private static partial Regex TestNames();
}
