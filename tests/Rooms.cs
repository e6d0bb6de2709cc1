using System.Text.RegularExpressions;

namespace XSepConv.Tests;

/// <summary>
/// The folders of a project's source, and which of them may use which. References are found in the text: by the names of types.
/// </summary>
internal static partial class Rooms
{
    private const int MostFiles = 25;

    /// <summary>What is wrong with the rooms of a project.</summary>
    /// <param name="project">Its folder, from that of the repository.</param>
    /// <param name="rooms">
    /// From the lowest to the highest: a file uses what is in its own room and in those that stand before it. Folders with | between them are one
    /// room.
    /// </param>
    public static IReadOnlyList<string> Problems(string project, params string[] rooms)
    {
        var root = Path.Combine(Repository(), project);
        var files = Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(path => (Name: Path.GetRelativePath(root, path).Replace('\\', '/'), Text: Code(File.ReadAllText(path))))
            .Where(
                file => !file.Name.StartsWith("obj/", StringComparison.Ordinal) && !file.Name.StartsWith("bin/", StringComparison.Ordinal))
            .Select(file => (file.Name, Room: (Path.GetDirectoryName(file.Name) ?? "").Replace('\\', '/'), file.Text)).ToList();
        var places = new Dictionary<string, (int Room, string File)>(StringComparer.Ordinal);
        int Place(string folder) => Array.FindIndex(rooms, room => room.Split('|').Contains(folder));
        foreach (var file in files)
        {
            foreach (Match type in Declaration().Matches(file.Text))
            {
                places[type.Groups["name"].Value] = (Place(file.Room), file.Name);
            }
        }

        return
        [
            .. files.Where(file => Place(file.Room) < 0).Select(file => $"{file.Name} is in no room of the list"),
            .. files.GroupBy(file => file.Room).Where(room => room.Count() > MostFiles)
                .Select(room => $"{room.Key} has {room.Count()} files; {MostFiles} at most can be overlooked"),
            .. from file in files
               from name in Name().Matches(file.Text).Select(match => match.Value).Distinct()
               where places.TryGetValue(name, out var place) && place.Room > Place(file.Room)
               select $"{file.Name} uses {name} of {places[name].File}, which stands above it",
        ];
    }

    private static string Code(string text) => Noise().Replace(text, "");

    /// <summary>The checkout that the tests were built from.</summary>
    public static string Repository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "XSepConv.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException(
            $"XSepConv.sln is in no folder above {AppContext.BaseDirectory}: these tests run in the repository.");
    }

    // Comments and text: what is mentioned is not used.
    [GeneratedRegex("""//.*|"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])+'""")]
    private static partial Regex Noise();

    [GeneratedRegex(
        @"^(?:public|internal)\s[^=;(\n]*?\b(?:class|struct|record|enum|interface|delegate\s+\S+)\s+(?<name>\w+)(?<!\b(?:struct|class))",
        RegexOptions.Multiline)]
    private static partial Regex Declaration();

    // A member of something, or what gets a value, is no type.
    [GeneratedRegex(@"(?<![.\w])\w+\b(?!\s*=\s)")]
    private static partial Regex Name();
}
