namespace XSepConv;

/// <summary>An input or output of an ONNX file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="ElementType">ONNX's number of the element type; 1 is float32.</param>
/// <param name="Shape">Each side as a number, the name of an open one (<c>N</c>, <c>H</c>), or empty.</param>
public sealed record OnnxValue(string Name, int ElementType, IReadOnlyList<string> Shape);
