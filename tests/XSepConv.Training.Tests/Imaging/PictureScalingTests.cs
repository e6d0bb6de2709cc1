using System.Globalization;

namespace XSepConv.Training.Tests;

/// <summary>Pictures scaled as torchvision and timm do it: <c>Fixtures/scaling.py</c>.</summary>
public sealed class PictureScalingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_picture_is_the_one_that_torchvision_makes(int seed)
    {
        var made = _folder.At("made");
        PythonPictures.Make("PIL, numpy, torchvision", Fixture.At("scaling.py"), made, $"{seed}");
        var (values, others) = (0L, 0L);
        foreach (var name in Directory.GetFiles(made, "*.png"))
        {
            var words = File.ReadAllText(Path.ChangeExtension(name, "case")).Split(' ');
            var (size, shorter) = (int.Parse(words[0], CultureInfo.InvariantCulture), int.Parse(words[1], CultureInfo.InvariantCulture));
            var data = Data(size) with
            {
                Scaling = new((double)size / shorter, words[2] == "bicubic" ? Interpolation.Bicubic : Interpolation.Bilinear),
            };
            var (expected, actual) = (File.ReadAllBytes(Path.ChangeExtension(name, "expected")), ImageDecoder.ReadFile(name, data));
            Assert.Equal(expected.Length, actual.Length);

            // Pillow's weights are whole numbers of 22 bits: a sum at a half, which hard edges often have, may be rounded the other way.
            Assert.InRange(expected.Zip(actual, (one, other) => Math.Abs(one - other)).Max(), 0, 1);
            values += expected.Length;
            others += expected.Zip(actual, (one, other) => one == other ? 0 : 1).Sum();
        }

        Assert.True(values > 2_000_000 && others < values / 200, $"{others} of {values} values differ");
    }

    [Fact]
    public void Crops_give_the_shorter_side_that_the_libraries_have()
    {
        Assert.Equal(256, new PictureScaling(0.875).ShorterSide(224));
        Assert.Equal(292, new PictureScaling(0.875).ShorterSide(256));
        Assert.Equal(235, new PictureScaling(0.95).ShorterSide(224));
        Assert.Equal(232, new PictureScaling(0.9655).ShorterSide(224));
        for (var shorter = 224; shorter <= 1024; shorter++) Assert.Equal(shorter, new PictureScaling(224.0 / shorter).ShorterSide(224));
    }

    [Fact]
    public void A_data_spec_is_all_that_a_picture_is_prepared_by()
    {
        var file = Fixture.Bytes("kinds/shape-in-alpha.png");
        Rgb[] colours = [Rgb.White, Rgb.Black];
        foreach (var background in colours)
        {
            var data = Data(12) with { Background = background, Channels = 1, Mean = [0], Std = [1] };
            Assert.Equal(ImageDecoder.Decode(file, "a", 12, 1, background), ImageDecoder.Decode(file, "a", data));
            Assert.Equal(ImageDecoder.Decode(file, "a", 9, 1, background), ImageDecoder.Decode(file, "a", data, 9));
        }

        Assert.Throws<ArgumentException>(() => ImageDecoder.Decode(file, "a", Data(12) with { Width = 13 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageDecoder.Decode(file, "a", Data(12) with { Channels = 4 }));
    }

    [Theory]
    [InlineData(0, Interpolation.Bilinear)]
    [InlineData(5, Interpolation.Bilinear)]
    [InlineData(double.NaN, Interpolation.Bicubic)]
    [InlineData(0.9, (Interpolation)7)]
    public void A_scaling_that_is_none_is_refused(double crop, Interpolation interpolation)
    {
        var data = Data(12) with { Scaling = new(crop, interpolation) };
        Assert.Equal("data", Assert.Throws<ArgumentException>(() => ImageDecoder.Decode(Fixture.Bytes("images/rgb.png"), "a", data)).ParamName);
        Assert.Contains("scaling", Assert.Throws<ArgumentException>(
            () => DatasetCatalog.Open(
                "folder", new() { DataRoot = _folder.Path, Scaling = data.Scaling }, cancel: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    /// <summary>The longest side that a picture may have, scaled as much as can be, is longer than an int counts.</summary>
    [Fact]
    public void A_picture_of_one_row_has_a_middle()
    {
        var pixels = new byte[3 * ImageDecoder.LargestSide];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)(i / 3 < pixels.Length / 6 ? 10 : 250);
        var target = new byte[3 * 64 * 64];
        Resampling.Resize(PixelView.Of(pixels, (ImageDecoder.LargestSide, 1), 1), new(0.1), 64, target);

        // From 0.05 pixels before the edge to 0.05 behind it, the triangle goes from 10 to 250 within one.
        Assert.Equal((118, 142), (target[0], target[^1]));
        var large = new byte[3 * 2048 * 2048];
        Resampling.Resize(PixelView.Of(pixels, (ImageDecoder.LargestSide, 1), 1), new(0.1), 2048, large);
        Assert.Equal((118, 142), (large[0], large[^1]));
    }

    [Fact]
    public void Options_are_like_those_of_a_checkpoint()
    {
        var path = _folder.At("net.safetensors");
        using var network = new MobileNet(PublishedSpec.MobileNetV2(new() { NumClasses = 2, Width = 0.35 }));
        network.SaveSafeTensors(path);
        Assert.Contains("does not say how its images were prepared", Assert.Throws<InvalidDataException>(() => DatasetOptions.Like(path)).Message, StringComparison.Ordinal);
        var data = Data(48) with { Background = Rgb.Black, Scaling = new(0.9, Interpolation.Bicubic) };
        Save(data);
        Assert.Equal(new() { ImageSize = 48, Background = Rgb.Black, Scaling = new(0.9, Interpolation.Bicubic) }, DatasetOptions.Like(path));
        Save(data with { Width = 40 });
        Assert.Contains("48×40", Assert.Throws<InvalidDataException>(() => DatasetOptions.Like(path)).Message, StringComparison.Ordinal);

        void Save(DataSpec spec) => network.SaveSafeTensors(path, new Dictionary<string, string> { [DataSpec.MetadataKey] = spec.ToJson() });
    }

    private static DataSpec Data(int size) => new("pictures", false, ["one", "two"], [0, 0, 0], [1, 1, 1], 3, size, size);
}
