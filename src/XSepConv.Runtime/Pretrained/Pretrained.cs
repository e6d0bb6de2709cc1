namespace XSepConv;

/// <summary>
/// Weights that torchvision and timm publish: MobileNetV3-Small, MobileNetV3-Large and MobileNetV2, from their names into a checkpoint of
/// this library.
/// </summary>
public static class Pretrained
{
    /// <summary>What <see cref="DataSpec.Name"/> is in an imported file.</summary>
    internal const string ImageNetName = "imagenet";

    /// <summary>The models of a library that are known here.</summary>
    public static IReadOnlyList<string> Models(PretrainedSource source)
    {
        EnumValues.Require(source);
        return [.. PretrainedModel.NamesOf(source)];
    }

    /// <summary>The network of a model, for 1000 classes where <paramref name="options"/> do not say otherwise.</summary>
    /// <param name="source">Whose model.</param>
    /// <param name="model">Its name there, one of <see cref="Models"/>, or the network's here.</param>
    /// <param name="options">Classes, channels of the images and the rest; null for the model's own.</param>
    /// <exception cref="ArgumentException">There is no such model, or an option is out of range.</exception>
    public static NetworkSpec Spec(PretrainedSource source, string model, MobileNetV3Options? options = null) =>
        PretrainedModel.Of(source, model).Build(options);

    /// <summary>
    /// Writes a file of pretrained weights as a checkpoint: the tensors under this library's keys, with what network they are and what it
    /// was trained on. How many classes and channels there are is read off the tensors.
    /// </summary>
    /// <param name="path">A safetensors file with the state dict of the model.</param>
    /// <param name="source">Whose names it has.</param>
    /// <param name="model">The model's name there, one of <see cref="Models"/>, or the network's here.</param>
    /// <param name="output">The checkpoint; replaced as a whole or not at all.</param>
    /// <param name="data">
    /// What it was trained on; null for ImageNet as the libraries prepare it: 224×224, mean (0.485, 0.456, 0.406) and standard deviation
    /// (0.229, 0.224, 0.225) unless the name has a tag of timm's with others, as <c>mobilenetv3_large_100.miil_in21k</c> has; pictures
    /// scaled to 256 pixels, of which 224 are cut out, for timm by its tag; classes named by their numbers.
    /// </param>
    /// <param name="inputChannels">
    /// Channels of the images that it is to take; null for the file's. For one channel the first convolution is summed over the file's;
    /// for more its channels are repeated in turn and scaled by old/new channels, as timm does it. Means and deviations follow where
    /// <paramref name="data"/> is null.
    /// </param>
    /// <returns>The network.</returns>
    /// <exception cref="ArgumentException">There is no such model, or the channels are out of range.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is no safetensors or damaged, or tensors are missing, unexpected or of a wrong shape or type (all are listed), or
    /// <paramref name="data"/> does not fit.
    /// </exception>
    /// <exception cref="IOException">The output can't be written.</exception>
    public static NetworkSpec Import(
        string path, PretrainedSource source, string model, string output, DataSpec? data = null, int? inputChannels = null)
    {
        using var file = PretrainedFile.Open(path, source, model, inputChannels);
        file.Write(output, data ?? file.ImageNet());
        return file.Spec;
    }

    /// <summary>Whether classes have no names: a file that was imported without them calls them by their numbers.</summary>
    internal static bool HasNoNames(string data, IReadOnlyList<string> classes) =>
        data == ImageNetName && classes.Index().All(entry => entry.Item == $"{entry.Index}");

    /// <summary>ImageNet as torchvision and timm prepare it.</summary>
    /// <param name="spec">The network of a file.</param>
    /// <param name="classes">Names of the classes; null for numbers.</param>
    /// <param name="images">How they were prepared.</param>
    internal static DataSpec ImageNet(
        NetworkSpec spec, IReadOnlyList<string>? classes, PublishedImages images)
    {
        var (mean, deviation, scaling) = images;

        // Of other channels nothing is known: half of the range on either side.
        var isRgb = spec.InputChannels == mean.Length;
        return new(
            ImageNetName, Synthetic: false, classes ?? [.. Enumerable.Range(0, spec.NumClasses).Select(number => $"{number}")],
            isRgb ? mean : [.. Enumerable.Repeat(0.5, spec.InputChannels)],
            isRgb ? deviation : [.. Enumerable.Repeat(0.5, spec.InputChannels)],
            spec.InputChannels, spec.DefaultImageSize, spec.DefaultImageSize)
        {
            Scaling = scaling,
        };
    }
}
