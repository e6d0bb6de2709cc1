namespace XSepConv;

/// <summary>A tensor as another library has it.</summary>
/// <param name="Name">There.</param>
/// <param name="Shape">There: as many values as here.</param>
/// <param name="Key">Its state-dict key here.</param>
/// <param name="KeyShape">Its shape here.</param>
internal sealed record ForeignTensor(string Name, long[] Shape, string Key, long[] KeyShape);
