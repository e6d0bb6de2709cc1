using System.Text.RegularExpressions;

namespace XSepConv.Core.Tests.Documentation;

public sealed partial class DrawingTests
{
    [Fact]
    public void The_picture_in_the_docs_is_the_network_as_it_is()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "interop.md"));
        var drawn = Assert.Single(Pictures().Matches(page)).Groups[1].Value;
        Assert.Equal(NetworkDrawing.Mermaid(MobileNetV3SmallSpec.XSep(), (224, 224)), drawn);
    }

    [GeneratedRegex("^```mermaid\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Pictures();
}
