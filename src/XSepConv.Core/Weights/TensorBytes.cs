using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Tensors as the raw little-endian bytes of a safetensors file.</summary>
internal static class TensorBytes
{
    private static readonly (SafeTensorType Stored, ScalarType Torch)[] Types =
    [
        (SafeTensorType.F64, ScalarType.Float64), (SafeTensorType.F32, ScalarType.Float32), (SafeTensorType.F16, ScalarType.Float16),
        (SafeTensorType.BF16, ScalarType.BFloat16), (SafeTensorType.I64, ScalarType.Int64), (SafeTensorType.I32, ScalarType.Int32),
        (SafeTensorType.I8, ScalarType.Int8), (SafeTensorType.U8, ScalarType.Byte), (SafeTensorType.Bool, ScalarType.Bool),
    ];

    /// <summary>Copies a tensor's values out.</summary>
    /// <exception cref="NotSupportedException">safetensors has no such type, or the tensor is larger than an array can be.</exception>
    public static SafeTensor Read(string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var stored = Types.FirstOrDefault(pair => pair.Torch == tensor.dtype);
        if (stored.Torch != tensor.dtype)
        {
            throw new NotSupportedException(
                $"'{name}' has dtype {tensor.dtype}; {string.Join(", ", Types.Select(pair => pair.Torch))} can be stored.");
        }

        var size = tensor.numel() * tensor.element_size();
        if (size > Array.MaxLength)
        {
            throw new NotSupportedException(FormattableString.Invariant(
                $"'{name}' has {size:N0} bytes; a tensor of up to {Array.MaxLength:N0} can be stored."));
        }

        // `bytes` ignores strides, so it reads a contiguous copy.
        return new(name, stored.Stored, [.. tensor.shape], tensor.detach().cpu().contiguous().bytes.ToArray());
    }

    /// <summary>The values in double precision, row-major, whatever the tensor's device, type and strides.</summary>
    public static double[] Doubles(Tensor tensor)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return tensor.detach().cpu().to(ScalarType.Float64).contiguous().data<double>().ToArray();
    }

    public static Tensor Create(SafeTensorInfo info, byte[] data)
    {
        var type = Types.First(pair => pair.Stored == info.Type).Torch;
        var result = empty([.. info.Shape], type, CPU);
        if (data.Length > 0) data.CopyTo(result.bytes);
        return result;
    }
}
