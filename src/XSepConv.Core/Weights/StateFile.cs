using XSepConv.Inference;
using XSepConv.Layers;

namespace XSepConv;

/// <summary>A file as a module sees it: without the trainer's tensors, under the module's keys.</summary>
internal sealed class StateFile : WeightSource
{
    private readonly WeightFile _file;
    private readonly Dictionary<string, string> _names = [];
    private readonly List<string> _leftOut = [];
    private readonly Dictionary<string, SafeTensorInfo> _tensors = [];
    private readonly Lazy<Dictionary<string, string?>> _paths;
    private SafeTensor? _replaced;

    /// <exception cref="InvalidDataException">Two tensors get one name, no key has the prefix, or the settings are damaged.</exception>
    public StateFile(SafeTensors file, string path, SafeTensorsLoadOptions options)
    {
        (_file, Name) = (new(file, path), path);
        var hasPrefix = false;
        foreach (var (name, info) in _file.Tensors)
        {
            if (name.StartsWith(SafeTensorsExtensions.TrainingPrefix, StringComparison.Ordinal)) continue;
            var found = options.Prefix.Length > 0 && name.StartsWith(options.Prefix, StringComparison.Ordinal);
            hasPrefix |= found;
            var rest = found ? name[options.Prefix.Length..] : name;
            if ((options.Rename is { } rename ? rename(rest) : rest) is not { } key)
            {
                _leftOut.Add(name);
                continue;
            }

            if (!_tensors.TryAdd(key, info))
            {
                throw new InvalidDataException(
                    $"{path}: {SafeTensorsHeader.Quote(_names[key])} and {SafeTensorsHeader.Quote(name)} are both "
                    + $"renamed to {SafeTensorsHeader.Quote(key)}.");
            }

            _names.Add(key, name);
        }

        if (options.Prefix.Length > 0 && !hasPrefix)
        {
            throw new InvalidDataException(
                $"{path}: no key begins with the prefix {SafeTensorsHeader.Quote(options.Prefix)}; leave it out.");
        }

        var renames = options.Prefix.Length > 0 || options.Rename is not null;
        _paths = new(Paths);
        var settings = ModuleSettings.Read(file, path);
        var spec = file.Described(NetworkSpec.MetadataKey, NetworkSpec.FromJson);
        settings ??= spec is null ? null : NormsOf(spec);
        Settings = renames ? settings?.Renamed(PathOf) : settings;
        var blocks = spec is null ? new() : BlockSettings.Of(spec);
        Blocks = renames ? blocks.Renamed(PathOf) : blocks;
    }

    public override string Name { get; }

    public override IReadOnlyDictionary<string, SafeTensorInfo> Tensors => _tensors;

    /// <summary>
    /// How the file's normalisations are: what it does not name has the defaults. Where it has a network's description and nothing else,
    /// that says it; a file of PyTorch's tools tells nothing.
    /// </summary>
    public override ModuleSettings? Settings { get; }

    /// <summary>What its network's description says about the blocks, where it has one.</summary>
    public ModuleSettings Blocks { get; }

    public byte[] Bytes(string key) => _replaced?.Name == key ? _replaced.Data.ToArray() : _file.ReadBytes(_names[key]);

    /// <summary>Puts another tensor in the place of the file's.</summary>
    public void Replace(SafeTensor tensor) =>
        (_replaced, _tensors[tensor.Name]) = (tensor, new(tensor.Name, tensor.Type, tensor.Shape));

    protected override ReadOnlySpan<byte> ReadBytes(string key) => Bytes(key);

    private static ModuleSettings NormsOf(NetworkSpec spec)
    {
        var settings = new ModuleSettings();
        foreach (var layer in NetworkLayers.Of(spec).All)
        {
            if (layer.Norm is { } norm) settings.SetNorm(norm, spec.NormEpsilon, spec.NormMomentum);
        }

        return settings;
    }

    // Settings without a tensor to follow go with the module around them, and stay where they are where that has no new place: a strict
    // load then refuses them.
    private string? PathOf(string path)
    {
        if (_paths.Value.TryGetValue(path, out var now)) return now;
        if (path.Length == 0) return path;
        return PathOf(Parent(path)) is not { } parent ? null
            : parent.Length == 0 ? Leaf(path)
            : $"{parent}.{Leaf(path)}";
    }

    // A module is where its tensors are: 'module.bn1.weight' became 'bn1.weight', so 'module.bn1' is 'bn1' and 'module' is the module
    // itself. Null where all of a module's tensors are left out.
    private Dictionary<string, string?> Paths()
    {
        var paths = new Dictionary<string, string?>();
        foreach (var (now, was) in _names)
        {
            var (from, to) = (Parent(was), Parent(now));
            paths.TryAdd(from, to);
            while (from.Length > 0 && to.Length > 0 && Leaf(from) == Leaf(to))
            {
                (from, to) = (Parent(from), Parent(to));
                paths.TryAdd(from, to);
            }
        }

        var kept = _names.Values.SelectMany(Around).ToHashSet();
        foreach (var path in _leftOut.SelectMany(Around).Where(path => !kept.Contains(path))) paths.TryAdd(path, null);
        return paths;
    }

    private static IEnumerable<string> Around(string name)
    {
        while (name.Length > 0) yield return name = Parent(name);
    }

    private static string Parent(string path) => path[..Math.Max(path.LastIndexOf('.'), 0)];

    private static string Leaf(string path) => path[(path.LastIndexOf('.') + 1)..];
}
