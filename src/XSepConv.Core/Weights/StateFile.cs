using XSepConv.Inference;

namespace XSepConv;

/// <summary>A file as a module sees it: without the trainer's tensors, under the module's keys.</summary>
internal sealed class StateFile : WeightSource
{
    private readonly SafeTensors _file;
    private readonly Dictionary<string, string> _names = [];
    private readonly Dictionary<string, SafeTensorInfo> _tensors = [];
    private readonly Lazy<Dictionary<string, string>> _paths;

    /// <exception cref="InvalidDataException">Two tensors get one name, no key has the prefix, or the settings are damaged.</exception>
    public StateFile(SafeTensors file, string path, SafeTensorsLoadOptions options)
    {
        (_file, Name) = (file, path);
        var hasPrefix = false;
        foreach (var (name, info) in file.Tensors)
        {
            if (name.StartsWith(SafeTensorsExtensions.TrainingPrefix, StringComparison.Ordinal)) continue;
            var found = options.Prefix.Length > 0 && name.StartsWith(options.Prefix, StringComparison.Ordinal);
            hasPrefix |= found;
            var rest = found ? name[options.Prefix.Length..] : name;
            if ((options.Rename is { } rename ? rename(rest) : rest) is not { } key) continue;
            if (!_tensors.TryAdd(key, info))
            {
                throw new InvalidDataException(
                    $"{path}: {SafeTensorsHeader.Quote(_names[key])} and {SafeTensorsHeader.Quote(name)} are both renamed to {SafeTensorsHeader.Quote(key)}.");
            }

            _names.Add(key, name);
        }

        if (options.Prefix.Length > 0 && !hasPrefix)
        {
            throw new InvalidDataException($"{path}: no key begins with the prefix {SafeTensorsHeader.Quote(options.Prefix)}; leave it out.");
        }

        var renames = options.Prefix.Length > 0 || options.Rename is not null;
        _paths = new(Paths);
        var settings = ModuleSettings.Read(file, path);
        HasSettings = settings is not null || file.Metadata.ContainsKey(NetworkSpec.MetadataKey);
        Settings = renames && settings is not null ? settings.Renamed(PathOf) : settings ?? new();
        Blocks = BlocksOf(file, path) is { } blocks ? renames ? blocks.Renamed(PathOf) : blocks : new();
    }

    public override string Name { get; }

    public override IReadOnlyDictionary<string, SafeTensorInfo> Tensors => _tensors;

    /// <summary>What the file says about its modules one by one.</summary>
    public override ModuleSettings Settings { get; }

    /// <summary>What its network's description says about the blocks, where it has one.</summary>
    public ModuleSettings Blocks { get; }

    /// <summary>Whether the file tells how its normalisations are: what it does not name has the defaults. A file of PyTorch's tools tells nothing.</summary>
    public bool HasSettings { get; }

    /// <summary>A tensor's bytes.</summary>
    public byte[] Bytes(string key) => _file.ReadBytes(_names[key]);

    protected override ReadOnlySpan<byte> ReadBytes(string key) => Bytes(key);

    private static ModuleSettings? BlocksOf(SafeTensors file, string path)
    {
        if (!file.Metadata.TryGetValue(NetworkSpec.MetadataKey, out var json)) return null;
        try
        {
            return BlockSettings.Of(NetworkSpec.FromJson(json));
        }
        catch (FormatException e)
        {
            throw new InvalidDataException($"{path}: {e.Message}", e);
        }
    }

    private string? PathOf(string path) => _paths.Value.GetValueOrDefault(path);

    // A module is where its tensors are: 'module.bn1.weight' became 'bn1.weight', so 'module.bn1' is 'bn1' and 'module' is the module itself.
    private Dictionary<string, string> Paths()
    {
        var paths = new Dictionary<string, string>();
        foreach (var (now, was) in _names)
        {
            for (var rest = was.LastIndexOf('.'); ; rest = was.LastIndexOf('.', rest - 1))
            {
                var tail = was[(rest + 1)..];
                if (now != tail && !now.EndsWith("." + tail, StringComparison.Ordinal)) break;
                paths.TryAdd(was[..Math.Max(rest, 0)], now[..Math.Max(now.Length - tail.Length - 1, 0)]);
                if (rest <= 0) break;
            }
        }

        return paths;
    }
}
