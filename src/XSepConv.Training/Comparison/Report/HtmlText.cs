using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace XSepConv.Training;

/// <summary>Text made safe for HTML, inside of elements and of quoted attributes.</summary>
internal static class HtmlText
{
    // Letters stay letters; what HTML reads (< > & " ' and controls) is always escaped, whatever is allowed.
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    public static string Escape(string text) => Encoder.Encode(text);
}
