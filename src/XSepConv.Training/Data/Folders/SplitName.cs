using System.Text.RegularExpressions;

namespace XSepConv.Training;

/// <summary>What a folder's name says about a split.</summary>
internal enum SplitWord
{
    Train,

    /// <summary>To pick the best epoch by.</summary>
    Validation,

    Test,

    /// <summary>"Evaluation": the test split, or validation where there is another test split.</summary>
    Evaluation,

    /// <summary>Pictures to be predicted, of no class.</summary>
    Unlabelled,
}

/// <summary>
/// A folder's name read as that of a split: <c>train</c>, <c>TRAINING</c>, <c>seg_test</c>, <c>images-val</c>, <c>test_set</c>,
/// <c>trainImages</c>, <c>val2017</c>.
/// </summary>
/// <param name="Rest">
/// What is left of the name, in lower case and without what says nothing (set, images, data, numbers): the same in all splits of a set.
/// </param>
internal sealed partial record SplitName(SplitWord Word, string Rest)
{
    private static readonly Dictionary<string, SplitWord> Words = new (SplitWord Word, string Spellings)[]
    {
        (SplitWord.Train, "train training trn"),
        (SplitWord.Validation, "val valid validation validate dev"),
        (SplitWord.Test, "test testing tst holdout"),
        (SplitWord.Evaluation, "eval evaluation"),
        (SplitWord.Unlabelled, "pred predict prediction predictions unlabeled unlabelled inference"),
    }.SelectMany(split => split.Spellings.Split(' '), (split, spelling) => (spelling, split.Word)).ToDictionary();

    private static readonly string[] Fillers =
    [
        "set", "sets", "split", "data", "dataset", "datasets", "image", "images", "img", "imgs", "picture", "pictures", "pics", "photo",
        "photos", "sample", "samples", "folder", "files",
    ];

    /// <summary>Whether the name says nothing but which split it is.</summary>
    public bool IsPlain => Rest.Length == 0;

    /// <summary>Null where the name has no word of a split, or several.</summary>
    public static SplitName? Of(string name)
    {
        var words = Parts().Matches(name).Select(match => match.Value.ToLowerInvariant()).SelectMany(Unglued).ToList();
        var found = words.Where(Words.ContainsKey).Select(word => Words[word]).Distinct().ToList();
        if (found is not [var split]) return null;
        return new(
            split, string.Join(' ', words.Where(word => !Words.ContainsKey(word) && !Fillers.Contains(word) && !char.IsDigit(word[0]))));
    }

    /// <summary>"trainset" is "train set".</summary>
    private static IEnumerable<string> Unglued(string word)
    {
        foreach (var filler in Fillers)
        {
            if (word.EndsWith(filler, StringComparison.Ordinal) && Words.ContainsKey(word[..^filler.Length]))
            {
                return [word[..^filler.Length], filler];
            }

            if (word.StartsWith(filler, StringComparison.Ordinal) && Words.ContainsKey(word[filler.Length..]))
            {
                return [filler, word[filler.Length..]];
            }
        }

        return [word];
    }

    // Words begin after what is no letter, at a capital after a small letter, and at numbers.
    [GeneratedRegex(@"\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{L}-[\p{Lu}]]+|\p{N}+")]
    private static partial Regex Parts();
}
