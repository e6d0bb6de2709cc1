using System.Globalization;

namespace XSepConv.Tests;

/// <summary>What is said in English, in a culture that writes numbers otherwise.</summary>
internal static class OtherNumbers
{
    private static readonly NumberFormatInfo s_numbers =
        new() { NumberDecimalSeparator = ",", NumberGroupSeparator = ".", PositiveInfinitySymbol = "∞", NaNSymbol = "keine Zahl" };

    /// <summary>Fails where a text is another there, or lacks a part.</summary>
    public static void ChangeNothing(Func<string> text, params string[] parts)
    {
        var (before, here) = (CultureInfo.CurrentCulture, text());
        try
        {
            // Of invariant globalization, which these tests have, all cultures are the same; their numbers can be set all the same.
            var other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            other.NumberFormat = s_numbers;
            CultureInfo.CurrentCulture = other;
            Assert.Equal("1.000,5", $"{1000.5:N1}");
            Assert.Equal(here, text());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }

        Assert.All(parts, part => Assert.Contains(part, here, StringComparison.Ordinal));
    }
}
