using System.Text.RegularExpressions;

namespace XSepConv.Training.Tests;

public sealed class ImageDecoderTests
{
    [Theory]
    [InlineData("samples/Native/xsepconv.h", @"(\d+) MiB and (\d+) million pixels")]
    [InlineData("docs/data.md", @"image file (\d+) MiB, [\d,]+ pixels a side, (\d+) million in all")]
    public void The_limits_are_those_that_are_written(string file, string sentence)
    {
        var found = Regex.Match(File.ReadAllText(Path.Combine(Rooms.Repository(), file)), sentence);
        Assert.True(found.Success, $"{file} does not say it");
        Assert.Equal($"{ImageDecoder.MaxPixels / 1_000_000}", found.Groups[2].Value);
        if (found.Groups[1].Success) Assert.Equal($"{ImageDecoder.MaxFileBytes >> 20}", found.Groups[1].Value);
    }

    [Fact]
    public void The_limit_of_the_service_is_the_one_that_is_written()
    {
        var written = Regex.Match(Read("docs/runtime.md"), @"more than `--max-pixels` \((\d+) million\)").Groups[1].Value;
        Assert.Contains($"MaxPixels {{ get; init; }} = {written}_000_000;", Read("samples/Serve/ServeOptions.cs"), StringComparison.Ordinal);

        static string Read(string file) => File.ReadAllText(Path.Combine(Rooms.Repository(), file));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(16_385)]
    [InlineData(26_755)]
    [InlineData(int.MaxValue)]
    public void A_size_that_no_picture_has_is_refused(int side) => Assert.Equal("imageSize", Assert.Throws<ArgumentOutOfRangeException>(
        () => ImageDecoder.Decode(Fixture.Bytes("images/rgb.png"), "rgb.png", side, 3, null)).ParamName);

    [Theory]
    [InlineData("rgb.png")]
    [InlineData("grey.png")]
    [InlineData("palette.png")]
    [InlineData("alpha.png")]
    [InlineData("bits.png")]
    [InlineData("deep.png")]
    [InlineData("interlaced.png")]
    public void A_PNG_file_has_the_pixels_that_Pillow_sees(string name)
    {
        var (pixels, width, height) = ImageDecoder.DecodeWhole(Fixture.Bytes($"images/{name}"), name, background: null);
        Assert.Equal((28, 20), (width, height));
        Assert.Equal(Fixture.Bytes($"images/{name}.expected"), pixels);
    }

    [Theory]
    [InlineData("baseline.jpg")]
    [InlineData("progressive.jpg")]
    [InlineData("subsampled.jpg")]
    [InlineData("grey.jpg")]
    public void A_JPEG_file_has_the_pixels_that_libjpeg_sees_up_to_rounding(string name)
    {
        var (pixels, width, height) = ImageDecoder.DecodeWhole(Fixture.Bytes($"images/{name}"), name, background: null);
        Assert.Equal((28, 20), (width, height));
        AssertClose(Fixture.Bytes($"images/{name}.expected"), pixels);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(13)]
    [InlineData(33)]
    [InlineData(40)]
    public void The_middle_square_is_scaled_as_Pillow_does_it(int side)
    {
        var target = new byte[3 * side * side];
        ImageDecoder.DecodePlanes(Fixture.Bytes("images/scale.png"), "scale.png", Rgb.White, null, side, target);

        // Pillow rounds after each of the two directions, we once: one step apart at most.
        Assert.All(Fixture.Bytes($"images/scale.png.{side}").Zip(target), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 1));
    }

    /// <summary>
    /// The square is cut out of what is seen, not of what is stored: its edge is half a pixel off in the middle, on a side that turns with
    /// the picture.
    /// </summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void A_turned_picture_is_cut_and_scaled_as_the_same_picture_upright(int orientation)
    {
        const int width = 21, height = 12, side = 7;
        var stored = new byte[width * height * 3];
        new Random(3).NextBytes(stored);
        var turned = PixelView.Of(stored, (width, height), orientation);
        var upright = PixelView.Of(turned.ToArray(), (turned.Width, turned.Height), ExifOrientation.Upright);
        var (one, other) = (new byte[3 * side * side], new byte[3 * side * side]);

        Resampling.Resize(Middle(turned), side, one);
        Resampling.Resize(Middle(upright), side, other);

        Assert.Equal(other, one);
        Assert.NotEqual(stored, upright.ToArray());

        static PixelView Middle(PixelView view) => view.Crop((view.Width - height) / 2, (view.Height - height) / 2, height, height);
    }

    /// <summary>
    /// As a session takes them: colour pixel by pixel; grey by ITU-R 601, whose weights sum to 1, so that what is grey stays what it is.
    /// </summary>
    [Theory]
    [InlineData("rgb.png")]
    [InlineData("grey.png")]
    public void A_file_becomes_the_bytes_of_a_session(string name)
    {
        const int side = 9;
        var (path, planes) = (Fixture.At($"images/{name}"), new byte[3 * side * side]);
        ImageDecoder.DecodePlanes(Fixture.Bytes($"images/{name}"), name, Rgb.White, null, side, planes);

        var color = ImageDecoder.ReadFile(path, side, 3, Rgb.White);
        var grey = ImageDecoder.ReadFile(path, side, 1, Rgb.White);

        Assert.Equal(side * side, grey.Length);
        for (var i = 0; i < side * side; i++)
        {
            var (red, green, blue) = (planes[i], planes[(side * side) + i], planes[(2 * side * side) + i]);
            Assert.Equal([red, green, blue], color[(3 * i)..((3 * i) + 3)]);
            Assert.InRange(grey[i] - ((0.299 * red) + (0.587 * green) + (0.114 * blue)), -0.51, 0.51);
        }

        if (name == "grey.png") Assert.Equal(planes[..(side * side)], grey);
    }

    [Fact]
    public void Other_sizes_and_channels_are_refused_by_name()
    {
        var file = Fixture.Bytes("images/rgb.png");
        Assert.Equal("channels", Assert.Throws<ArgumentOutOfRangeException>(() => ImageDecoder.Decode(file, "file", 8, 2, null)).ParamName);
        Assert.Equal(
            "imageSize", Assert.Throws<ArgumentOutOfRangeException>(() => ImageDecoder.Decode(file, "file", 0, 3, null)).ParamName);
    }

    /// <summary>
    /// The inverse cosine transform may be computed in several ways that differ by a step of the 8 bits; the change from YCbCr adds the
    /// error of Cb 1.772 times, so that steps of 1 come to 1 + 1.772 and rounding: 4.
    /// </summary>
    internal static void AssertClose(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        int largest = 0, sum = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            var difference = Math.Abs(expected[i] - actual[i]);
            largest = Math.Max(largest, difference);
            sum += difference;
        }

        Assert.True(largest <= 4 && sum < expected.Length, $"largest difference {largest}, mean {(double)sum / expected.Length:0.000}");
    }
}
