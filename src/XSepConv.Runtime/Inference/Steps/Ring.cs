using System.Runtime.CompilerServices;

namespace XSepConv.Inference;

/// <summary>Rows that take each other's places.</summary>
internal static class Ring
{
    /// <summary>A row's place. Small maps fit whole, and then the division would be most of the work.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Place(int row, int capacity) => row < capacity ? row : row % capacity;
}
