namespace XSepConv.Training;

/// <summary>
/// Reads the cropped digits of SVHN (Netzer et al. 2011): a MAT file with <c>X</c> of [32, 32, 3, N] bytes (row, column, channel, image;
/// rows vary fastest) and <c>y</c> of N labels, 1 … 9 and 10 for the digit 0.
/// </summary>
internal static class SvhnFile
{
    public const int Side = 32;

    private const int Plane = Side * Side;
    private const int MostImages = 1_000_000;
    private const int Byte = 2;

    /// <summary>Adds the images of a file to a split.</summary>
    /// <exception cref="InvalidDataException">It is not such a file, or damaged.</exception>
    public static void Decode(Stream file, string what, SplitKind split, ImageFileWriter writer)
    {
        int? images = null, labels = null;
        MatFile.Read(file, what, array =>
        {
            if ((array.Name == "X" && images is not null) || (array.Name == "y" && labels is not null))
            {
                throw new InvalidDataException($"{what}: holds the array '{array.Name}' twice.");
            }

            if (array.Name == "X") images = ReadImages(array, what, split, writer);
            else if (array.Name == "y") labels = ReadLabels(array, what, split, writer);
        });
        if (images is null || labels is null)
        {
            throw new InvalidDataException(
                $"{what}: lacks the array '{(images is null ? "X" : "y")}'; the cropped digits of SVHN have X and y.");
        }

        if (images != labels) throw new InvalidDataException($"{what}: holds {images} images but {labels} labels; both must be as many.");
    }

    private static int ReadImages(MatArray array, string what, SplitKind split, ImageFileWriter writer)
    {
        // MATLAB leaves out a last dimension of 1.
        var sizes = array.Dimensions.Count == 3 ? [.. array.Dimensions, 1] : array.Dimensions;
        var shape = string.Join("×", array.Dimensions);
        if (sizes is not [Side, Side, 3, >= 1 and <= MostImages] || array.Type != Byte)
        {
            throw new InvalidDataException(
                $"{what}: X is {shape} of MAT type {array.Type}; 32×32×3×(1 to {MostImages}) bytes (type {Byte}) are right.");
        }

        var count = sizes[3];
        if (array.Data.Left != (long)count * writer.ImageBytes)
        {
            throw new InvalidDataException(
                $"{what}: X is {shape} but has {array.Data.Left} bytes; {(long)count * writer.ImageBytes} are right.");
        }

        var stored = new byte[3 * Plane];
        var image = new byte[3 * Plane];
        for (var i = 0; i < count; i++)
        {
            array.Data.Fill(stored);
            for (var channel = 0; channel < 3; channel++)
            {
                for (var x = 0; x < Side; x++)
                {
                    for (var y = 0; y < Side; y++) image[(channel * Plane) + (y * Side) + x] = stored[(channel * Plane) + (x * Side) + y];
                }
            }

            writer.AddImage(split, image);
        }

        return count;
    }

    private static int ReadLabels(MatArray array, string what, SplitKind split, ImageFileWriter writer)
    {
        var size = MatArray.SizeOf(array.Type);
        long count = 1;
        foreach (var dimension in array.Dimensions) count = Math.Min(count * dimension, int.MaxValue);
        if (size == 0 || count is < 1 or > MostImages || array.Data.Left != count * size)
        {
            throw new InvalidDataException(
                $"{what}: y is {string.Join("×", array.Dimensions)} of MAT type {array.Type} in {array.Data.Left} bytes; "
                + "N×1 numbers are right.");
        }

        var number = new byte[size];
        for (var i = 0; i < count; i++)
        {
            array.Data.Fill(number);
            var label = array.ToInt32(number, what);
            if (label is < 1 or > 10) throw new InvalidDataException($"{what}: label {i} is {label}; 1 to 10 (the digit 0) are right.");
            writer.AddLabel(split, label % 10);
        }

        return (int)count;
    }
}
