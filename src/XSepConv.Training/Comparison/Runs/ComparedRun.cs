using System.Globalization;

namespace XSepConv.Training;

/// <summary>One training run of a comparison.</summary>
internal sealed record ComparedRun(ComparedNetwork Network, int Seed)
{
    private const string BeforeSeed = "-seed";

    public string Id => string.Create(CultureInfo.InvariantCulture, $"{Network.Id}{BeforeSeed}{Seed}");

    /// <summary>The seed that an id ends with; null where it ends with none.</summary>
    public static int? SeedOf(string id)
    {
        var at = id.LastIndexOf(BeforeSeed, StringComparison.Ordinal);
        return at >= 0 && int.TryParse(id.AsSpan(at + BeforeSeed.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var seed)
            ? seed
            : null;
    }
}
