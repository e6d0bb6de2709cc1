using System.Globalization;

namespace XSepConv.Training;

/// <summary>What a limit keeps: as many images of every class as of any other, however a set's files are sorted.</summary>
internal static class BalancedSubset
{
    /// <summary>
    /// Takes an image of each class in turn until there are enough; a class that has no more is left out of the turns after. With fewer
    /// images than classes, the classes that come first in <paramref name="candidates"/> have one each.
    /// </summary>
    /// <param name="candidates">Images, in the order in which those of a class are taken: shuffled by a seed.</param>
    /// <param name="most">How many to keep; all when null.</param>
    /// <returns>The images kept, in the order of the candidates.</returns>
    public static int[] Of(ReadOnlySpan<int> labels, ReadOnlySpan<int> candidates, int? most)
    {
        if (most is not { } limit || limit >= candidates.Length) return candidates.ToArray();
        var turns = new int[candidates.Length];
        var places = new int[candidates.Length];
        var seen = new Dictionary<int, int>();
        for (var i = 0; i < candidates.Length; i++)
        {
            var label = labels[candidates[i]];
            turns[i] = seen.GetValueOrDefault(label);
            seen[label] = turns[i] + 1;
            places[i] = i;
        }

        var kept = places.OrderBy(place => turns[place]).Take(limit).Order();
        var images = candidates.ToArray();
        return [.. kept.Select(place => images[place])];
    }

    /// <summary>
    /// The same from a split whose images stay in their order. It is drawn alike for every seed, so that all networks are tested on the
    /// same images.
    /// </summary>
    public static ImageSplit Of(ImageSplit split, int? most)
    {
        if (most is not { } limit || limit >= split.Count) return split;
        var shuffled = CounterRandom.For(0, CounterRandom.Stream.Limit).Permutation(split.Count);
        var kept = Of(split.Labels.Span, shuffled, most);
        Array.Sort(kept);
        return split.Select(kept);
    }

    /// <summary>What the user ought to know about a limit below the number of classes; nothing for all others.</summary>
    public static string[] Warnings(int? most, int classes) => most < classes
        ? [string.Create(
            CultureInfo.InvariantCulture, $"the limit of {most} images is below the {classes} classes: "
                + $"each split has an image of {most} of them, and none of the others.")]
        : [];
}
