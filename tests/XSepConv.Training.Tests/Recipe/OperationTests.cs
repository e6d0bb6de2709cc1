namespace XSepConv.Training.Tests;

/// <summary>What changes an image, against Pillow (<c>Data/Fixtures/generate.py</c>).</summary>
public sealed class OperationTests
{
    private const int Height = 24, Width = 26;

    [Theory]
    [InlineData("autocontrast")]
    [InlineData("equalize")]
    [InlineData("posterize")]
    [InlineData("solarize")]
    [InlineData("brightness")]
    [InlineData("contrast")]
    [InlineData("saturation")]
    [InlineData("sharpness")]
    public void Colours_are_changed_byte_for_byte_as_Pillow_does_it(string name) =>
        Assert.Equal(Fixture.Bytes($"operations/{name}"), Changed(name));

    [Theory]
    [InlineData("rotate")]
    [InlineData("shear")]
    public void Moves_are_Pillow_s_up_to_rounding(string name) =>
        Assert.All(
            Fixture.Bytes($"operations/{name}").Zip(Changed(name)), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 1));

    [Fact]
    public void A_translation_by_whole_pixels_moves_them()
    {
        byte[] pixels = [1, 2, 3, 4, 5, 6];
        var image = new PixelImage(pixels, new byte[6], 1, 2, 3);
        GeometricOperations.Translate(image, 1, 0);
        Assert.Equal([2, 3, 0, 5, 6, 0], pixels);
        GeometricOperations.Translate(image, 0, -1);
        Assert.Equal([0, 0, 0, 2, 3, 0], pixels);
    }

    [Fact]
    public void Every_operation_of_strength_0_but_the_adaptive_ones_leaves_the_image()
    {
        for (var operation = 0; operation < RandomPolicy.Operations - 2; operation++)
        {
            var picture = Fixture.Bytes("operations/picture");
            RandomPolicy.Apply(new(picture, new byte[picture.Length], 3, Height, Width), operation, 0, 30);
            Assert.Equal(Fixture.Bytes("operations/picture"), picture);
        }
    }

    [Fact]
    public void Every_operation_changes_something_and_the_sign_matters_to_those_that_have_a_direction()
    {
        var seen = new HashSet<string>();
        for (var operation = 1; operation < RandomPolicy.Operations; operation++)
        {
            foreach (var signed in new[] { 0.5, -0.5 })
            {
                var picture = Fixture.Bytes("operations/picture");
                RandomPolicy.Apply(new(picture, new byte[picture.Length], 3, Height, Width), operation, signed, 30);
                seen.Add(Convert.ToHexString(picture));
            }
        }

        // 13 that change the image, of which 9 have a direction.
        Assert.Equal(13 + 9, seen.Count);
        Assert.DoesNotContain(Convert.ToHexString(Fixture.Bytes("operations/picture")), seen);
    }

    private static byte[] Changed(string name)
    {
        var pixels = Fixture.Bytes("operations/picture");
        var image = new PixelImage(pixels, new byte[pixels.Length], 3, Height, Width);
        switch (name)
        {
            case "autocontrast": ColorOperations.AutoContrast(image); break;
            case "equalize": ColorOperations.Equalize(image); break;
            case "posterize": ColorOperations.Posterize(image, 3); break;
            case "solarize": ColorOperations.Solarize(image, 100); break;
            case "brightness": ColorOperations.Brightness(image, 1.4); break;
            case "contrast": ColorOperations.Contrast(image, 0.6); break;
            case "saturation": ColorOperations.Saturation(image, 1.7); break;
            case "sharpness": ColorOperations.Sharpness(image, 1.8); break;
            case "rotate": GeometricOperations.Rotate(image, 20); break;
            default: GeometricOperations.ShearRows(image, 0.3); break;
        }

        return pixels;
    }
}
