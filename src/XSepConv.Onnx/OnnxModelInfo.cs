using XSepConv.Onnx;

namespace XSepConv;

/// <summary>What an ONNX file says about itself, read without running it and without its weights.</summary>
public sealed class OnnxModelInfo
{
    internal OnnxModelInfo(ModelReader model)
    {
        (IrVersion, Producer, GraphName) = (model.IrVersion, model.Producer, model.GraphName);
        (Opsets, Metadata, Operators) = (model.Opsets, model.Metadata, model.Operators);
        (Inputs, Outputs) = (model.Inputs, model.Outputs);
        (InitializerCount, InitializerBytes) = (model.InitializerCount, model.InitializerBytes);
    }

    /// <summary>The version of the file format.</summary>
    public long IrVersion { get; }

    /// <summary>The program that wrote it; empty if it does not say.</summary>
    public string Producer { get; }

    /// <summary>The name of the graph; empty if it has none.</summary>
    public string GraphName { get; }

    /// <summary>The version of each set of operators; ONNX's own has the empty name.</summary>
    public IReadOnlyDictionary<string, long> Opsets { get; }

    /// <summary>The metadata.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>How often each operator occurs in the graph.</summary>
    public IReadOnlyDictionary<string, int> Operators { get; }

    /// <summary>The inputs.</summary>
    public IReadOnlyList<OnnxValue> Inputs { get; }

    /// <summary>The outputs.</summary>
    public IReadOnlyList<OnnxValue> Outputs { get; }

    /// <summary>How many tensors of weights there are.</summary>
    public int InitializerCount { get; }

    /// <summary>The bytes of those that are stored raw, as this library does.</summary>
    public long InitializerBytes { get; }

    /// <summary>Reads an ONNX file, of any origin.</summary>
    /// <param name="path">The file. It is walked through, not loaded: memory stays small whatever it claims.</param>
    /// <exception cref="InvalidDataException">
    /// It is no ONNX file, or a damaged one, or larger than is read; the message says where.
    /// </exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static OnnxModelInfo Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var stream = RegularFile.OpenRead(path, bufferSize: 0);
        return Read(stream, path);
    }

    internal static OnnxModelInfo Read(Stream stream, string name)
    {
        try
        {
            return new(ModelReader.Read(stream));
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"{name} is no ONNX file, or a damaged one: {e.Message}.", e);
        }
        catch (NotSupportedException e)
        {
            throw new InvalidDataException($"{name} is larger than is read here: {e.Message}.", e);
        }
    }
}
