using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>
/// The bytes of images that come as tensors one after the other. Floating-point numbers are bytes over 255; but where those of all images
/// are whole 256ths below 1, as in TorchVision's MNIST, they are bytes over 256, which 255 would make one too small from 129 on.
/// </summary>
internal sealed class TorchPixels(int count, int size)
{
    private const int Parts = 256;

    private readonly byte[] _pixels = (long)count * size <= Array.MaxLength ? new byte[count * size] : throw new ArgumentException(
        FormattableString.Invariant($"{count:N0} images of {size:N0} bytes are more than the {Array.MaxLength:N0} that one array holds: ")
        + "take fewer or smaller ones, or write them into a folder and open that with DatasetCatalog, which maps a file.");

    /// <summary>The images that are kept as 256ths as long as no other says otherwise; null once one has.</summary>
    private List<int>? _parts = [];

    /// <summary>[count, size].</summary>
    public byte[] Bytes => _pixels;

    /// <param name="image">Bytes, or floating-point numbers from 0 to 1.</param>
    public void Put(int index, Tensor image)
    {
        using var scope = NewDisposeScope();
        var target = _pixels.AsSpan(index * size, size);
        if (image.dtype == ScalarType.Byte)
        {
            image.cpu().contiguous().bytes.CopyTo(target);
            return;
        }

        // Half of bfloat16's numbers are whole 256ths.
        var values = image.cpu().to(ScalarType.Float64).contiguous().data<double>().ToArray();
        if (_parts is not null && image.dtype != ScalarType.BFloat16 && Array.TrueForAll(values, IsPart))
        {
            for (var i = 0; i < size; i++) target[i] = (byte)(values[i] * Parts);
            _parts.Add(index);
            return;
        }

        foreach (var earlier in _parts ?? [])
        {
            foreach (ref var pixel in _pixels.AsSpan(earlier * size, size)) pixel = Byte((double)pixel / Parts);
        }

        _parts = null;
        for (var i = 0; i < size; i++) target[i] = Byte(values[i]);
    }

    private static bool IsPart(double value) => value < 1 && double.IsInteger(value * Parts);

    private static byte Byte(double value) => (byte)Math.Round(value * byte.MaxValue);
}
