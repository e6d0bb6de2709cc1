using XSepConv.Inference;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A checkpoint to start from: the same network, for other classes and other channels where those are wanted.</summary>
internal sealed class InitialWeights : IDisposable
{
    private readonly SafeTensors _file;
    private readonly StateFile _state;

    private InitialWeights(SafeTensors file, StateFile state, NetworkSpec spec) => (_file, _state, Spec) = (file, state, spec);

    /// <summary>The network of the file.</summary>
    public NetworkSpec Spec { get; }

    /// <summary>What it was trained on; null where the file does not say it.</summary>
    public DataSpec? Data => _file.Described(DataSpec.MetadataKey, DataSpec.FromJson);

    /// <summary>Opens a file that holds all of the network it describes.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is damaged, describes no network, or its tensors do not fit (the first ten problems are listed).
    /// </exception>
    public static InitialWeights Open(string path, SafeTensorsLoadOptions? options = null)
    {
        var file = SafeTensors.Open(path);
        try
        {
            var spec = DescribedNetwork.Of(file, path);

            // A few bytes of description must not make a network of terabytes, nor a list of its tensors: they are counted, then compared,
            // and only then made.
            var state = new StateFile(file, path, options ?? new());
            ExpectedTensors.RequireSize(spec, state);
            ExpectedTensors.Verify(spec, state);
            return new(file, state, spec);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The same network for other classes and images.</summary>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public NetworkSpec For(int numClasses, int inputChannels) =>
        (Spec with { NumClasses = numClasses, InputChannels = inputChannels }).Validate();

    /// <summary>Holds a network to being that of the file but for classes, channels and dropout.</summary>
    /// <exception cref="InvalidDataException">It is another.</exception>
    public void RequireSame(NetworkSpec other)
    {
        if (Spec with { NumClasses = other.NumClasses, InputChannels = other.InputChannels, Dropout = other.Dropout } != other)
        {
            throw new InvalidDataException(
                $"{_state.Name} holds the network {SafeTensorsHeader.Quote(Spec.Name)}, another than the one that is to start from it, "
                + $"{SafeTensorsHeader.Quote(other.Name)}: only classes, channels and dropout may differ.");
        }
    }

    /// <summary>
    /// Which of the file's rows of the classifier is each class's here; null where the classes are others, so that it begins anew.
    /// </summary>
    /// <param name="classes">Of how many classes the network is to tell apart.</param>
    /// <param name="names">What they are called; null where that is not known.</param>
    public int[]? ClassifierRows(int classes, IReadOnlyList<string>? names)
    {
        if (Spec.NumClasses != classes) return null;
        int[] same = [.. Enumerable.Range(0, classes)];
        if (names is null || NamesThere is not { } there || names.SequenceEqual(there)) return same;
        var places = there.Index().DistinctBy(entry => entry.Item).ToDictionary(entry => entry.Item, entry => entry.Index);
        int[] rows = [.. names.Select(name => places.GetValueOrDefault(name, -1))];
        return rows.Order().SequenceEqual(same) ? rows : null;
    }

    /// <summary>What the file calls its classes; null where it does not, as after an import without their names.</summary>
    public IReadOnlyList<string>? NamesThere => Data is { } data && !Pretrained.HasNoNames(data.Name, data.Classes) ? data.Classes : null;

    /// <summary>The file's weights into a network: all but a classifier of other classes, which keeps what it has.</summary>
    /// <param name="classes">What the network's classes are called; null where that is not known, and as many are the same.</param>
    /// <returns>What was left: <see cref="StateDictDifference.MismatchedKeys"/> of the classifier.</returns>
    /// <exception cref="InvalidDataException">The network is another, or a value is not finite, or a variance negative.</exception>
    public StateDictDifference LoadInto(MobileNet network, IReadOnlyList<string>? classes = null)
    {
        RequireSame(network.Spec);
        if (Spec.InputChannels != network.Spec.InputChannels)
        {
            var info = _state.Tensors[OtherChannels.FirstWeight];
            var weight = new SafeTensor(OtherChannels.FirstWeight, info.Type, info.Shape, _state.Bytes(OtherChannels.FirstWeight));
            _state.Replace(OtherChannels.Of(weight, network.Spec.InputChannels));
        }

        var isSame = Spec.NumClasses == network.Spec.NumClasses;
        using var scope = NewDisposeScope();
        var classifier = isSame ? Classifier(network) : [];
        Tensor[] fresh = [.. classifier.Select(tensor => tensor.clone())];
        var left = StateDictLoad.Run(network, _state, new() { Strict = isSame, IgnoreMismatchedSizes = !isSame });
        if (isSame) SetClassifier(classifier, fresh, ClassifierRows(network.Spec.NumClasses, classes));
        return FiniteWeights.Problem(network) is { } problem ? throw new InvalidDataException($"{_state.Name}: {problem}.") : left;
    }

    private static Tensor[] Classifier(MobileNet network) =>
        [.. network.named_parameters().Where(entry => entry.name.StartsWith("linear4.", StringComparison.Ordinal))
            .Select(entry => entry.parameter)];

    private static void SetClassifier(Tensor[] classifier, Tensor[] fresh, int[]? rows)
    {
        using var noGrad = no_grad();
        for (var i = 0; i < classifier.Length; i++)
        {
            if (rows is null) classifier[i].copy_(fresh[i]);
            else classifier[i].copy_(classifier[i].index_select(0, tensor(rows, device: classifier[i].device)));
        }
    }

    /// <summary>Builds the network and loads it.</summary>
    public MobileNet Build(NetworkSpec spec, Device? device, ScalarType? dtype)
    {
        var network = new MobileNet(spec, device, dtype);
        try
        {
            LoadInto(network);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    public void Dispose() => _file.Dispose();
}
