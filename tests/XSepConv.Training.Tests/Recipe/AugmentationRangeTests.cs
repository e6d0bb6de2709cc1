using System.Globalization;

namespace XSepConv.Training.Tests;

/// <summary>An augmentation out of range is refused wherever one is given.</summary>
[Collection(TorchTests.Name)]
public sealed class AugmentationRangeTests : IDisposable
{
    private readonly RunFolder _run = new();

    public static TheoryData<string, double> OutOfRange()
    {
        var (data, nan) = (new TheoryData<string, double>(), double.NaN);
        Add("crop", -3, 1025);
        Add("jitter", -0.1, 1, 5, nan);
        Add("erasing", -0.1, 1.5, nan);
        Add("operations", -1, 9);
        Add("magnitude", -0.1, 40, nan);
        Add("rotation", -1, 181, nan);
        Add("mixup", -0.5, 7, nan);
        return data;

        void Add(string what, params double[] values)
        {
            foreach (var value in values) data.Add(what, value);
        }
    }

    public void Dispose() => _run.Dispose();

    [Theory]
    [MemberData(nameof(OutOfRange))]
    public void It_is_refused_by_its_value(string what, double value)
    {
        var (data, none) = (RunFolder.Data, Augmentation.None);
        var wrong = what switch
        {
            "crop" => none with { CropPadding = (int)value },
            "jitter" => none with { ColorJitter = value },
            "erasing" => none with { Erasing = value },
            "operations" => none with { PolicyOperations = (int)value },
            "magnitude" => none with { PolicyMagnitude = value },
            "rotation" => none with { LargestRotation = value },
            _ => none with { Mixup = value },
        };
        Refused("augmentation", () => new ImageDataset("x", data.ClassNames, data.Train, data.Validation, data.Test, augmentation: wrong));
        Refused("augmentation", () => new TorchDataset(data.Train, data.Normalization, wrong));
        Refused(null, () => new Trainer(_run.Options with { Augmentation = wrong }, data));

        void Refused(string? parameter, Func<object> act)
        {
            var error = Assert.Throws<ArgumentException>(act);
            Assert.Contains(value.ToString(CultureInfo.InvariantCulture), error.Message, StringComparison.Ordinal);
            if (parameter is not null) Assert.Equal(parameter, error.ParamName);
        }
    }

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, true, false)]
    [InlineData(true, false, true)]
    [InlineData(false, true, true)]
    [InlineData(null, true, false)]
    [InlineData(null, false, false)]
    public void Mirroring_that_the_recipe_and_an_augmentation_say_otherwise_is_refused(bool? recipe, bool augmentation, bool refused)
    {
        var options = _run.Options.By(known => known with { HorizontalFlip = recipe }) with { Augmentation = new(2, augmentation) };
        if (!refused)
        {
            Assert.Equal(augmentation, new Trainer(options, RunFolder.Data).Plan.Augmentation.HorizontalFlip);
            return;
        }

        Assert.Contains("horizontal flip", Assert.Throws<ArgumentException>(() => new Trainer(options, RunFolder.Data)).Message,
            StringComparison.Ordinal);
    }

    // Contrast goes from the mean over everything, brightness from 0; a channel that is no colour has no saturation.
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Every_preset_varies_images_of_other_channels_than_colour_s(int channels)
    {
        byte[] pixels = [.. Enumerable.Range(0, channels * 64).Select(i => (byte)(i * 3))];
        var image = new PixelImage([.. pixels], new byte[pixels.Length], channels, 8, 8);
        ColorOperations.Contrast(image, 0);
        Assert.All(image.Pixels.ToArray(), pixel => Assert.InRange(pixel - pixels.Average(pixel => pixel), -1, 1));

        var split = new ImageSplit(pixels.Concat(pixels.Reverse()).ToArray(), new[] { 0, 1 }, channels, 8, 8);
        var data = new ImageDataset("x", ["a", "b"], split, split, split, augmentation: new(1, true));
        foreach (var name in AugmentationPreset.Names)
        {
            for (var epoch = 1; epoch < 20; epoch++)
            {
                foreach (var batch in new TrainingRecipe { Augmentation = name, BatchSize = 2 }.Batches(data, epoch))
                {
                    Assert.Equal([2, channels, 8, 8], batch.Images.shape);
                }
            }
        }
    }
}
