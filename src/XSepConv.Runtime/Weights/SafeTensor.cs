using System.Collections.Immutable;

namespace XSepConv;

/// <summary>A tensor to be written to a safetensors file.</summary>
/// <param name="Name">Its name, unique in the file; in a network's file the state-dict key.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">Sizes of the dimensions, outermost first; <c>[]</c> for a scalar, 0 allowed.</param>
/// <param name="Data">The elements in row-major order, each little-endian; as many bytes as shape and type ask for.</param>
public sealed record SafeTensor(string Name, SafeTensorType Type, ImmutableArray<long> Shape, ReadOnlyMemory<byte> Data);

/// <summary>What a safetensors file says about one of its tensors.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="Type">The element type.</param>
/// <param name="Shape">Sizes of the dimensions, outermost first; <c>[]</c> for a scalar.</param>
public sealed record SafeTensorInfo(string Name, SafeTensorType Type, ImmutableArray<long> Shape)
{
    /// <summary>How many elements the tensor has: 1 for a scalar, 0 if a dimension is 0.</summary>
    /// <exception cref="OverflowException">The shape has more than 2⁶³ − 1 elements; never so for a tensor of a file that was
    /// opened.</exception>
    public long ElementCount
    {
        get
        {
            var count = 1L;
            foreach (var size in Shape) count = checked(count * size);
            return count;
        }
    }

    /// <summary>How many bytes its elements take.</summary>
    /// <exception cref="OverflowException">As for <see cref="ElementCount"/>.</exception>
    public long ByteLength => checked(ElementCount * Type.Size());
}
