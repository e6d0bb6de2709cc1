using System.Globalization;

namespace XSepConv.Onnx;

/// <summary>Reads the fields of an ONNX model that describe it. Field numbers are those of <c>onnx.proto</c>.</summary>
internal sealed class ModelReader
{
    private readonly WireReader _reader;
    private bool _hasGraph;

    private ModelReader(Stream stream) => _reader = new(stream);

    public long IrVersion { get; private set; }

    public string Producer { get; private set; } = "";

    public string GraphName { get; private set; } = "";

    public Dictionary<string, long> Opsets { get; } = [];

    public Dictionary<string, string> Metadata { get; } = [];

    public Dictionary<string, int> Operators { get; } = [];

    public List<OnnxValue> Inputs { get; } = [];

    public List<OnnxValue> Outputs { get; } = [];

    public int InitializerCount { get; private set; }

    public long InitializerBytes { get; private set; }

    /// <exception cref="InvalidDataException">The stream holds no such model.</exception>
    /// <exception cref="NotSupportedException">It has more of something than is read.</exception>
    public static ModelReader Read(Stream stream)
    {
        var model = new ModelReader(stream);
        model._reader.ReadFields(model.ReadModel);
        if (model.IrVersion < 1) throw new InvalidDataException("it does not say which version of the format it has");
        if (!model._hasGraph) throw new InvalidDataException("it has no graph");
        if (model.Opsets.Count == 0) throw new InvalidDataException("it does not say which operators it uses");
        if (model.Outputs.Count == 0) throw new InvalidDataException("its graph has no output");
        return model;
    }

    private void ReadModel(int field, WireType type)
    {
        switch (field)
        {
            case 1:
                IrVersion = ReadNumber(type);
                break;
            case 2:
                Producer = ReadText(type);
                break;
            case 7:
                if (_hasGraph) throw new InvalidDataException("it has two graphs");
                _hasGraph = true;
                ReadMessage(type, ReadGraph);
                break;
            case 8:
                ReadOpset(type);
                break;
            case 14:
                ReadMetadata(type);
                break;
        }
    }

    private void ReadGraph(int field, WireType type)
    {
        switch (field)
        {
            case 1:
                ReadNode(type);
                break;
            case 2:
                GraphName = ReadText(type);
                break;
            case 5:
                InitializerCount++;
                ReadMessage(type, ReadTensor);
                break;
            case 11:
                Inputs.Add(ReadValue(type, Inputs.Count));
                break;
            case 12:
                Outputs.Add(ReadValue(type, Outputs.Count));
                break;
        }
    }

    private void ReadOpset(WireType type)
    {
        var (domain, version) = ("", 0L);
        ReadMessage(type, (field, inner) =>
        {
            if (field == 1) domain = ReadText(inner);
            else if (field == 2) version = ReadNumber(inner);
        });
        RequireRoom(Opsets.Count);
        Opsets[domain] = version;
    }

    private void ReadMetadata(WireType type)
    {
        var (key, value) = ("", "");
        ReadMessage(type, (field, inner) =>
        {
            if (field == 1) key = ReadText(inner);
            else if (field == 2) value = ReadText(inner);
        });
        RequireRoom(Metadata.Count);
        Metadata[key] = value;
    }

    private void ReadNode(WireType type)
    {
        var operation = "";
        ReadMessage(type, (field, inner) =>
        {
            if (field == 4) operation = ReadText(inner);
        });
        if (operation.Length == 0) throw new InvalidDataException($"the node that ends at byte {_reader.Position} has no operator");
        RequireRoom(Operators.Count);
        Operators[operation] = Operators.GetValueOrDefault(operation) + 1;
    }

    private void ReadTensor(int field, WireType type)
    {
        if (field != 9) return;
        Require(type, WireType.Bytes);
        InitializerBytes += _reader.SkipBytes();
    }

    private OnnxValue ReadValue(WireType type, int already)
    {
        RequireRoom(already);
        var (name, element) = ("", 0L);
        var shape = new List<string>();
        ReadMessage(type, (field, inner) =>
        {
            if (field == 1) name = ReadText(inner);
            else if (field == 2) ReadMessage(inner, ReadType);
        });
        return new(name, (int)element, shape);

        void ReadType(int field, WireType inner)
        {
            // A tensor; sequences and maps have other fields.
            if (field == 1) ReadMessage(inner, ReadTensorType);
        }

        void ReadTensorType(int field, WireType inner)
        {
            if (field == 1) element = ReadNumber(inner);
            else if (field == 2) ReadMessage(inner, ReadShape);
            if (element is < 0 or > 1_000) throw new InvalidDataException($"'{name}' has an element type numbered {element}");
        }

        void ReadShape(int field, WireType inner)
        {
            if (field != 1) return;
            if (shape.Count == ReadLimits.MostSides)
            {
                throw new NotSupportedException($"'{name}' has more than {ReadLimits.MostSides} sides");
            }

            var side = "";
            ReadMessage(inner, (number, kind) =>
            {
                if (number == 1) side = ReadNumber(kind).ToString(CultureInfo.InvariantCulture);
                else if (number == 2) side = ReadText(kind);
            });
            shape.Add(side);
        }
    }

    private long ReadNumber(WireType type)
    {
        Require(type, WireType.Varint);
        return (long)_reader.ReadVarint();
    }

    private string ReadText(WireType type)
    {
        Require(type, WireType.Bytes);
        return _reader.ReadText();
    }

    private void ReadMessage(WireType type, Action<int, WireType> field)
    {
        Require(type, WireType.Bytes);
        _reader.ReadMessage(field);
    }

    private void Require(WireType type, WireType expected)
    {
        if (type != expected) throw new InvalidDataException($"the field at byte {_reader.Position} is a {type}, expected is {expected}");
    }

    private static void RequireRoom(int count)
    {
        if (count >= ReadLimits.MostEntries)
        {
            throw new NotSupportedException(FormattableString.Invariant(
                $"it has more than {ReadLimits.MostEntries:N0} entries of one kind"));
        }
    }
}
