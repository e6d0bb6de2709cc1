using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>Data sets of TorchSharp as images that <see cref="Trainer"/> takes.</summary>
public static class TorchImages
{
    // What a set made and does not keep is the garbage collector's, which sees a few bytes of each tensor.
    private const long MostUncollected = 1L << 28;

    /// <summary>Reads every image of a data set once, and keeps its bytes: what the set itself varies is as it was then.</summary>
    /// <param name="dataset">
    /// Items with an image, [C, H, W], of bytes or of floating-point numbers from 0 to 1, and a label, a class index. The numbers are taken
    /// times 255, rounded; times 256 where all of the set are whole 256ths below 1, as in TorchVision's MNIST. The tensors stay the set's.
    /// </param>
    /// <param name="image">The key of the image; TorchSharp's own sets have <c>data</c>.</param>
    /// <param name="label">The key of the label.</param>
    /// <exception cref="ArgumentException">
    /// The set is empty, an item lacks a key, images differ in size or are no such numbers, or a label is no class index.
    /// </exception>
    public static ImageSplit ToImageSplit(this utils.data.Dataset dataset, string image = "data", string label = "label")
    {
        ArgumentNullException.ThrowIfNull(dataset);
        if (dataset.Count < 1) throw Wrong("it is empty");
        using var noGrad = no_grad();
        var labels = new int[dataset.Count];
        TorchPixels? pixels = null;
        long[] shape = [];
        var read = 0L;
        for (var i = 0; i < labels.Length; i++)
        {
            var items = Items(i);
            using var scope = NewDisposeScope();
            foreach (var key in new[] { image, label })
            {
                if (items.ContainsKey(key)) continue;
                throw Wrong($"item {i} has no '{key}' but {string.Join(", ", items.Keys.Select(k => $"'{k}'"))}");
            }

            var values = items[image];
            RequireNumbers(values, i);
            if (pixels is null)
            {
                shape = values.shape;
                if (shape.Length != 3) throw Wrong($"item {i} has the shape [{string.Join(", ", shape)}]; [C, H, W] is right");
                pixels = new(labels.Length, (int)values.numel());
            }

            if (!values.shape.SequenceEqual(shape))
            {
                throw Wrong(
                    $"item {i} has the shape [{string.Join(", ", values.shape)}], the first one [{string.Join(", ", shape)}]; all must be "
                    + "alike");
            }

            pixels.Put(i, values);
            labels[i] = ClassOf(items[label], i);
            read += values.numel() * values.element_size();
            if (read < MostUncollected) continue;
            read = 0;
            GC.Collect();
        }

        return new(pixels!.Bytes, labels, (int)shape[0], (int)shape[1], (int)shape[2]);

        // A set may keep what it makes, so no scope disposes of that, the caller's neither.
        Dictionary<string, Tensor> Items(int i)
        {
            using var scope = NewDisposeScope();
            var items = dataset.GetTensor(i);
            scope.Detach([.. scope.DisposablesView]);
            return items;
        }

        ArgumentException Wrong(string what) => new($"The data set can't be learned from: {what}.", nameof(dataset));

        void RequireNumbers(Tensor value, int i)
        {
            if (value.dtype == ScalarType.Byte) return;
            if (!value.is_floating_point())
            {
                throw Wrong($"item {i} has an image of {value.dtype}; bytes or floating-point numbers are right");
            }

            // Also where one is no number.
            if (value.numel() > 0 && !value.ge(Scalars.Zero).logical_and(value.le(Scalars.One)).all().item<bool>())
            {
                throw Wrong(
                    $"item {i} has an image of numbers from {value.min().to(ScalarType.Float64).item<double>()} to "
                    + $"{value.max().to(ScalarType.Float64).item<double>()}; 0 to 1 is right, the trainer normalises itself");
            }
        }

        int ClassOf(Tensor value, int i)
        {
            if (value.numel() != 1) throw Wrong($"item {i} has a label of {value.numel()} numbers; one is right");
            var number = value.to(ScalarType.Float64).item<double>();
            return number is >= 0 and < int.MaxValue && number == Math.Floor(number) ? (int)number
                : throw Wrong($"item {i} has the label {number}; a class index, 0 or more, is right");
        }
    }
}
