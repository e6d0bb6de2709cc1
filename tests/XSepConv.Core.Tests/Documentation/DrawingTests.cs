namespace XSepConv.Core.Tests.Documentation;

public sealed class DrawingTests
{
    [Fact]
    public void The_picture_in_the_docs_is_the_network_as_it_is()
    {
        var drawn = File.ReadAllText(Path.Combine(Repository.Root, "docs", "images", "xsep-mobilenet-v3-small.mermaid"));
        Assert.Equal(NetworkDrawing.Mermaid(MobileNetV3SmallSpec.XSep(), (224, 224)), drawn);
    }
}
