using XSepConv.Inference;
using static System.FormattableString;

namespace XSepConv;

/// <summary>A file of pretrained weights that holds all of a model and nothing else.</summary>
internal sealed class PretrainedFile : IDisposable
{
    private readonly SafeTensors _file;
    private readonly string _path;
    private readonly IReadOnlyList<ForeignTensor> _tensors;
    private readonly NetworkSpec _there;
    private readonly PublishedImages? _images;
    private readonly PublishedImages _usual;
    private readonly bool _hasNewerWeights;

    private PretrainedFile(
        SafeTensors file, string path, NetworkSpec there, IReadOnlyList<ForeignTensor> tensors, int? inputChannels,
        PretrainedModel model, PublishedImages? images) =>
        (_file, _path, _there, _tensors, _images, _usual, _hasNewerWeights, Spec) = (
            file, path, there, tensors, images,
            model.Source == PretrainedSource.Timm ? PublishedImages.UsualInTimm : PublishedImages.Usual, model.HasNewerWeights,
            inputChannels is { } channels ? (there with { InputChannels = channels }).Validate() : there);

    /// <summary>Why the mean and deviation of <see cref="ImageNet"/> may not be the file's; null where they are.</summary>
    public string? Doubt =>
        _there.InputChannels != PublishedImages.Usual.Mean.Length
            ? $"normalised by mean and deviation 0.5: nothing is known of images of {_there.InputChannels} channels"
        : _images is null ? "normalised as ImageNet; timm's page for this tag says whether that is right"
        : null;

    /// <summary>Why the scaling of <see cref="ImageNet"/> may not be the file's; null where it is.</summary>
    public string? ScalingDoubt =>
        _images is null ? $"pictures are scaled as most of timm's are, {_usual.Scaling}; its page for this tag says whether that is right"
        : _hasNewerWeights ? "pictures are scaled as for IMAGENET1K_V1, to 256 pixels; for IMAGENET1K_V2 (232) the crop is 0.9655"
        : null;

    /// <summary>The network, for the channels that were asked for.</summary>
    public NetworkSpec Spec { get; }

    /// <inheritdoc cref="Pretrained.Import" path="/exception"/>
    public static PretrainedFile Open(string path, PretrainedSource source, string model, int? inputChannels = null)
    {
        var known = PretrainedModel.Of(source, model);
        var file = SafeTensors.Open(path);
        try
        {
            var spec = SpecOf(file, known);
            var tensors = ForeignNames.Of(spec, source);
            Verify(file, path, known, tensors);
            return new(
                file, path, spec, tensors, inputChannels, known,
                source == PretrainedSource.Timm ? TimmTag.Images(model) : PublishedImages.Usual);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="Pretrained.ImageNet"/>
    public DataSpec ImageNet(IReadOnlyList<string>? classes = null) =>
        OtherChannels.Of(Pretrained.ImageNet(_there, classes, _images ?? _usual), Spec.InputChannels);

    /// <summary>The tensors as a network of this library has them; counters that the file lacks are 0.</summary>
    public IEnumerable<SafeTensor> Tensors()
    {
        foreach (var tensor in _tensors)
        {
            var here = _file.Tensors.TryGetValue(tensor.Name, out var info)
                ? new SafeTensor(tensor.Key, info.Type, [.. tensor.KeyShape], _file.ReadBytes(tensor.Name))
                : new(tensor.Key, SafeTensorType.I64, [], new byte[sizeof(long)]);
            yield return tensor.Key == OtherChannels.FirstWeight ? OtherChannels.Of(here, Spec.InputChannels) : here;
        }
    }

    /// <exception cref="InvalidDataException">
    /// The data does not fit the network, or a value is not finite, or a variance negative.
    /// </exception>
    public void Write(string output, DataSpec data)
    {
        if (data.Problem() is { } wrong) throw new InvalidDataException($"{_path}: the description of its data can't be used: {wrong}.");
        if (data.Misfit(Spec) is { } misfit) throw new InvalidDataException($"{_path}: {misfit}");
        SafeTensor[] tensors = [.. Tensors()];
        var weights = new MemoryWeights(_path, tensors, settings: null);
        foreach (var key in weights.Tensors.Keys.Where(key => !ExpectedTensors.IsCounter(key)))
        {
            if (WeightValues.Problem(key, weights.Read(key)) is { } problem) throw new InvalidDataException($"{_path}: {problem}.");
        }

        SafeTensors.Write(output, tensors, new Dictionary<string, string>
        {
            ["format"] = "pt",
            [NetworkSpec.MetadataKey] = Spec.ToJson(),
            [DataSpec.MetadataKey] = data.ToJson(),
        });
    }

    public void Dispose() => _file.Dispose();

    // A file with another head or other images is the same model.
    private static NetworkSpec SpecOf(SafeTensors file, PretrainedModel model)
    {
        var usual = model.Build(null);
        var tensors = ForeignNames.Of(usual, model.Source);
        var (first, classifier) = (Find(OtherChannels.FirstWeight, 4), Find("linear4.weight", 2));
        return usual with
        {
            InputChannels = first?.Shape[1] is >= 1 and <= NetworkSpec.MostChannels and var channels ? (int)channels : usual.InputChannels,
            NumClasses = classifier?.Shape[0] is >= 1 and <= NetworkSpec.MostClasses and var classes ? (int)classes : usual.NumClasses,
        };

        SafeTensorInfo? Find(string key, int rank) =>
            file.Tensors.TryGetValue(tensors.First(tensor => tensor.Key == key).Name, out var info) && info.Shape.Length == rank
                ? info
                : null;
    }

    private static void Verify(SafeTensors file, string path, PretrainedModel model, IReadOnlyList<ForeignTensor> tensors)
    {
        var problems = new List<string>();
        var missing = new List<string>();
        foreach (var tensor in tensors)
        {
            var isCounter = ExpectedTensors.IsCounter(tensor.Key);
            if (!file.Tensors.TryGetValue(tensor.Name, out var info))
            {
                if (!isCounter) missing.Add(tensor.Name);
            }
            else if (!info.Shape.AsSpan().SequenceEqual(tensor.Shape))
            {
                problems.Add($"'{tensor.Name}' has shape {Listing.Shape(info.Shape)}, the model's is {Listing.Shape(tensor.Shape)}");
            }
            else if (isCounter ? info.Type != SafeTensorType.I64 : !info.Type.IsFloatingPoint())
            {
                var right = isCounter ? "counters are I64" : "weights are F64, F32, F16 or BF16";
                problems.Add($"'{tensor.Name}' has type {info.Type}, {right}");
            }
        }

        var known = tensors.Select(tensor => tensor.Name).ToHashSet();
        List<string> unexpected = [.. file.Tensors.Keys.Where(name => !known.Contains(name))];
        problems.InsertRange(0, missing.Select(name => $"'{name}' is missing"));
        problems.AddRange(unexpected.Select(name => $"{SafeTensorsHeader.Quote(name)} is unexpected"));
        if (problems.Count == 0) return;
        var cause = KeyPrefix.Find(missing, unexpected) is { } found
            ? $" Its keys begin with {KeyPrefix.Named(found)}: save it without."
            : Other(file, model) is { } other ? $" It has the tensors of {other.Source}'s {other.Name}." : "";
        throw new InvalidDataException(
            $"{path} is not {model.Source}'s {model.Name}.{cause} "
            + Invariant($"{problems.Count:N0} {(problems.Count == 1 ? "thing is" : "things are")} ")
            + $"wrong:{string.Concat(problems.Select(problem => $"\n- {problem}"))}");
    }

    private static PretrainedModel? Other(SafeTensors file, PretrainedModel model) =>
        PretrainedModel.All.FirstOrDefault(other => other != model && ForeignNames.Of(SpecOf(file, other), other.Source).All(tensor =>
            ExpectedTensors.IsCounter(tensor.Key)
            || (file.Tensors.TryGetValue(tensor.Name, out var info) && info.Shape.AsSpan().SequenceEqual(tensor.Shape))));
}
