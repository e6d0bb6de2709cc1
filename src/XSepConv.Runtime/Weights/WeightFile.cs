namespace XSepConv;

/// <summary>A file's tensors as the numbers they stand for: <see cref="Int8Weights"/> are F32, and have no scales beside them.</summary>
internal sealed class WeightFile
{
    private readonly SafeTensors _file;
    private readonly Dictionary<string, double[]> _scales = [];
    private readonly Dictionary<string, SafeTensorInfo> _tensors = [];

    /// <exception cref="InvalidDataException">INT8 weights lack scales, or these are none; the first ten problems are listed.</exception>
    public WeightFile(SafeTensors file, string path)
    {
        _file = file;
        if (file.Metadata.TryGetValue(Int8Weights.MetadataKey, out var meaning))
        {
            var problems = meaning == Int8Weights.Meaning
                ? FindScales()
                : [$"the metadata '{Int8Weights.MetadataKey}' is {SafeTensorsHeader.Quote(meaning)}, known is '{Int8Weights.Meaning}'"];
            if (problems.Count > 0) throw new InvalidDataException($"{path}: {Listing.Of(problems)}.");
        }

        var scales = _scales.Keys.Select(Int8Weights.ScaleOf).ToHashSet();
        foreach (var (name, info) in file.Tensors)
        {
            if (!scales.Contains(name)) _tensors.Add(name, _scales.ContainsKey(name) ? info with { Type = SafeTensorType.F32 } : info);
        }
    }

    public IReadOnlyDictionary<string, SafeTensorInfo> Tensors => _tensors;

    public byte[] ReadBytes(string name)
    {
        var bytes = _file.ReadBytes(name);
        return _scales.TryGetValue(name, out var scales)
            ? TensorValues.Write(SafeTensorType.F32, Int8Weights.Read(bytes, scales))
            : bytes;
    }

    /// <summary>INT8 weights as the file has them; null for others.</summary>
    public (byte[] Integers, double[] Scales)? Int8(string name) =>
        _scales.TryGetValue(name, out var scales) ? (_file.ReadBytes(name), scales) : null;

    private List<string> FindScales()
    {
        var problems = new List<string>();
        foreach (var (name, info) in _file.Tensors.Where(tensor => tensor.Value.Type == SafeTensorType.I8))
        {
            var scale = Int8Weights.ScaleOf(name);
            if (info.Shape.IsEmpty)
            {
                problems.Add($"{SafeTensorsHeader.Quote(name)} is I8 of shape [], weights have outputs");
            }
            else if (info.ByteLength > Array.MaxLength / sizeof(float))
            {
                problems.Add(
                    FormattableString.Invariant($"{SafeTensorsHeader.Quote(name)} is I8 and has {info.ByteLength:N0} values, at most ")
                    + FormattableString.Invariant($"{Array.MaxLength / sizeof(float):N0} are read"));
            }
            else if (!_file.Tensors.TryGetValue(scale, out var there))
            {
                problems.Add($"{SafeTensorsHeader.Quote(name)} is I8, and its scales {SafeTensorsHeader.Quote(scale)} are missing");
            }
            else if (there.Type != SafeTensorType.F32 || !there.Shape.SequenceEqual(Int8Weights.ScaleShape(info.Shape)))
            {
                problems.Add(
                    $"{SafeTensorsHeader.Quote(scale)} is {there.Type} of shape {Listing.Shape(there.Shape)}, the scales of "
                    + $"{SafeTensorsHeader.Quote(name)} are F32 of shape {Listing.Shape([.. Int8Weights.ScaleShape(info.Shape)])}");
            }
            else
            {
                var values = TensorValues.Read(SafeTensorType.F32, _file.ReadBytes(scale));
                var wrong = Array.FindIndex(values, value => !(value > 0 && double.IsFinite(value)));
                if (wrong >= 0)
                {
                    problems.Add(FormattableString.Invariant(
                        $"{SafeTensorsHeader.Quote(scale)} has {values[wrong]} at {wrong}; scales are finite numbers above 0"));
                }

                _scales.Add(name, values);
            }
        }

        return problems;
    }
}
