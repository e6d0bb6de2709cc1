using System.Globalization;

namespace XSepConv.Training;

/// <summary>One training run of a comparison.</summary>
internal sealed record ComparedRun(ComparedNetwork Network, int Seed)
{
    public string Id => string.Create(CultureInfo.InvariantCulture, $"{Network.Id}-seed{Seed}");
}
