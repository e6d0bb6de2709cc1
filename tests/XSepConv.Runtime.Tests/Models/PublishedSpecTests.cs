namespace XSepConv.Runtime.Tests.Models;

public sealed class PublishedSpecTests
{
    // Howard et al. 0.8 kept, torchvision's 0.2 dropped: of any classes, width and preset.
    [Fact]
    public void Dropout_is_as_published_unless_an_option_says_otherwise()
    {
        foreach (var entry in NetworkCatalog.Published)
        {
            Assert.Equal(0.2, entry.Build(null).Dropout);
            Assert.Equal(0.2, NetworkCatalog.Build(entry.Name, new() { NumClasses = 10, Width = 0.5, Preset = ImagePreset.Cifar }).Dropout);
            Assert.Equal(0.5, entry.Build(new() { Dropout = 0.5 }).Dropout);
            Assert.Equal(0, entry.Build(new() { Dropout = 0 }).Dropout);
        }

        foreach (var entry in NetworkCatalog.All)
        {
            Assert.Equal((0, 0), (entry.XSep(new() { NumClasses = 10 }).Dropout, entry.Twin(null).Dropout));
        }
    }
}
