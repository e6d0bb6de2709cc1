using System.Globalization;

namespace XSepConv.Training;

/// <summary>Warns of pictures that are there twice, byte for byte, where that falsifies what is measured.</summary>
internal static class EqualFiles
{
    private const int MostExamples = 3;

    /// <param name="decoded">The images, and which of their files are equal.</param>
    /// <param name="splits">The places of the images of each split.</param>
    public static IEnumerable<string> Warnings(DecodedFolder decoded, int[][] splits)
    {
        var groups = decoded.Images.Notes.Equal;
        if (groups.Count == 0) yield break;
        var files = decoded.Files.SelectMany(split => split).ToArray();
        var splitOf = new int[files.Length];
        for (var split = 0; split < splits.Length; split++)
        {
            foreach (var place in splits[split]) splitOf[place] = split;
        }

        var across = groups.Where(group => group.Select(place => splitOf[place]).Distinct().Count() > 1).ToList();
        if (across.Count > 0)
        {
            var measured = across.Sum(group => group.Count(place => splitOf[place] != 0));
            yield return Text(
                across, $"{Images(measured)} of the validation and test splits {(measured == 1 ? "is" : "are")} also in another split, "
                    + "byte for byte, so that what was learned is measured", place => splitOf[place]);
        }

        var contradicting = groups.Where(group => group.Select(place => files[place].Label).Distinct().Count() > 1).ToList();
        if (contradicting.Count > 0)
        {
            yield return Text(
                contradicting, $"{Images(contradicting.Sum(group => group.Length))} have the bytes of one of another class",
                place => files[place].Label);
        }

        string Text(List<int[]> found, string what, Func<int, int> key)
        {
            var examples = found.Take(MostExamples).Select(group =>
            {
                var other = Array.Find(group, place => key(place) != key(group[0]));
                return $"{files[group[0]].Name} = {files[other].Name}";
            });
            return $"{what}: {string.Join(", ", examples)}{(found.Count > MostExamples ? ", …" : "")}.";
        }

        static string Images(int count) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {(count == 1 ? "image" : "images")}");
    }
}
