using XSepConv.Inference;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Loads a file into a module: first all that does not fit is found, then everything is copied.</summary>
internal sealed class StateDictLoad
{
    private readonly nn.Module _module;
    private readonly StateFile _file;
    private readonly bool _strict, _ignoreMismatched;
    private readonly Dictionary<string, Tensor> _state;
    private readonly List<(string Path, nn.Module Module)> _modules;
    private readonly List<string> _problems = [];
    private readonly List<string> _converted = [];
    private readonly List<string> _different = [];
    private readonly List<string> _mismatched = [];

    private StateDictLoad(nn.Module module, StateFile file, SafeTensorsLoadOptions options)
    {
        (_module, _file, _strict, _ignoreMismatched) = (module, file, options.Strict, options.IgnoreMismatchedSizes);
        _state = ModuleState.Of(module);
        _modules = [.. ModuleState.Modules(module)];
    }

    /// <summary>Loads.</summary>
    /// <exception cref="InvalidDataException">Something does not fit; nothing has changed.</exception>
    /// <exception cref="ObjectDisposedException">The module, or a module or tensor in it, is disposed.</exception>
    public static StateDictDifference Run(nn.Module module, StateFile file, SafeTensorsLoadOptions options)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return new StateDictLoad(module, file, options).Run();
    }

    private StateDictDifference Run()
    {
        List<string> missing = [.. _state.Keys.Where(key => !_file.Tensors.ContainsKey(key))];
        List<string> unexpected = [.. _file.Tensors.Keys.Where(key => !_state.ContainsKey(key))];
        List<string> needed = [.. missing.Where(key => !ExpectedTensors.IsCounter(key))];

        // Everything is read before anything changes: reading can still fail.
        List<(Tensor Tensor, Tensor Values)> loaded =
            [.. _state.Keys.Where(_file.Tensors.ContainsKey).Select(Read).OfType<(Tensor, Tensor)>()];
        FindOtherBlocks();
        if (_strict)
        {
            _problems.AddRange(needed.Select(key => $"'{key}' is missing"));
            _problems.AddRange(unexpected.Select(key => $"{SafeTensorsHeader.Quote(key)} is unexpected"));
            _problems.AddRange(_different);
        }
        else if (missing.Count == _state.Count && unexpected.Count > 0 && missing.Count > 0)
        {
            _problems.Add(
                FormattableString.Invariant($"none of its {unexpected.Count:N0} keys, such as {SafeTensorsHeader.Quote(unexpected[0])}, ")
                + $"is one of the module's, such as '{missing[0]}'");
        }

        if (_problems.Count > 0)
        {
            throw new InvalidDataException(
                $"{_file.Name} does not fit the module {TypeName.Of(_module.GetType())}: "
                + $"{Listing.Of(_problems)}.{PrefixHint(missing, unexpected)}");
        }

        foreach (var (tensor, values) in loaded) tensor.copy_(values);
        return new(missing, unexpected)
        {
            MismatchedKeys = _mismatched,
            ConvertedKeys = _converted,
            ChangedSettings = ApplyNorms(),
            DifferentSettings = _different,
        };
    }

    private static string PrefixHint(List<string> missing, List<string> unexpected) =>
        KeyPrefix.Find(missing, unexpected) is { } prefix
            ? $" The file's keys begin with {KeyPrefix.Named(prefix)}: load it with "
                + $"SafeTensorsLoadOptions {{ Prefix = \"{SafeTensorsHeader.Quote(prefix)[1..^1]}\" }}."
            : KeyPrefix.Find(unexpected, missing) is { } wrapper
                ? $" The module's keys begin with '{wrapper}', which the file's lack: load it into the module in there, or with "
                    + $"SafeTensorsLoadOptions {{ Rename = key => \"{wrapper}\" + key }}."
                : "";

    private (Tensor Tensor, Tensor Values)? Read(string key)
    {
        var (info, tensor) = (_file.Tensors[key], _state[key]);
        var isCounter = ExpectedTensors.IsCounter(key) && info.ElementCount == 1 && tensor.numel() == 1;
        if (!isCounter && !info.Shape.AsSpan().SequenceEqual(tensor.shape))
        {
            if (_ignoreMismatched) _mismatched.Add(key);
            else _problems.Add($"'{key}' has shape {Listing.Shape(info.Shape)}, the module's is {Listing.Shape(tensor.shape)}");
            return null;
        }

        // Integers that were quantised in some way or are another tensor's, and of I64 beyond 2²⁴ not even the same numbers.
        if (!info.Type.IsFloatingPoint() && tensor.is_floating_point() && !isCounter)
        {
            _problems.Add(
                info.Type == SafeTensorType.I8
                    ? $"'{key}' has type I8, and the metadata lacks '{Int8Weights.MetadataKey}', which says that it has scales"
                    : $"'{key}' has type {info.Type}, weights are F64, F32, F16 or BF16");
            return null;
        }

        if (info.ByteLength > Array.MaxLength)
        {
            _problems.Add(FormattableString.Invariant(
                $"'{key}' takes {info.ByteLength:N0} bytes, an array holds at most {Array.MaxLength:N0}"));
            return null;
        }

        var values = TensorBytes.Create(info, _file.Bytes(key)).reshape(tensor.shape);
        if (values.dtype != tensor.dtype)
        {
            var converted = values.to(tensor.dtype);
            if (Lost(values, converted) is { } lost)
            {
                _problems.Add($"'{key}' has type {info.Type} and {lost}, which the module's type {tensor.dtype} can't hold");
                return null;
            }

            if (values.is_floating_point() && !converted.is_floating_point()) _converted.Add(key);
            values = converted;
        }

        return (tensor, values);
    }

    // Rounding is what a narrower type means; a fraction in an integer or a number beyond the largest is another number.
    private static string? Lost(Tensor values, Tensor converted)
    {
        if (values.numel() == 0) return null;
        var kept = converted.is_floating_point()
            ? converted.isfinite().logical_or(values.isfinite().logical_not())
            : converted.to(ScalarType.Float64).eq(values.to(ScalarType.Float64));
        if (kept.all().item<bool>()) return null;
        var at = kept.flatten().to(ScalarType.Int32).argmin().item<long>();
        return FormattableString.Invariant($"{values.flatten()[at].to(ScalarType.Float64).item<double>()} at {at}");
    }

    private void FindOtherBlocks()
    {
        var modules = _modules.ToDictionary(at => at.Path, at => at.Module);
        foreach (var (path, values) in _file.Settings?.ByPath ?? new Dictionary<string, Dictionary<string, string?>>())
        {
            var module = modules.GetValueOrDefault(path);
            foreach (var (name, value) in values)
            {
                var isNorm = name is ModuleSettings.Epsilon or ModuleSettings.Momentum;
                if (isNorm ? module is null || ModuleState.NormOf(module) is null : !Compare(path, module, name, value))
                {
                    _different.Add(
                        $"{ModuleSettings.Place(path)} has the setting {SafeTensorsHeader.Quote(name)} in the file, which the module "
                        + "lacks there");
                }
            }
        }

        foreach (var (path, values) in _file.Blocks.ByPath)
        {
            foreach (var (name, value) in values) Compare(path, modules.GetValueOrDefault(path), name, value);
        }
    }

    /// <returns>Whether the module has such a setting.</returns>
    private bool Compare(string path, nn.Module? module, string name, string? value)
    {
        if (module is null || BlockSettings.Of(module).Where(own => own.Name == name).ToArray() is not [var (_, here)]) return false;
        if (here != value)
        {
            _different.Add($"{ModuleSettings.Place(path)} has {name} {SafeTensorsHeader.Quote(value)} in the file, '{here}' in the module");
        }

        return true;
    }

    // What was computed with one eps is not the same network with another; a file that tells nothing leaves the module's.
    private List<string> ApplyNorms()
    {
        var changes = new List<string>();
        if (_file.Settings is not { } settings) return changes;
        foreach (var (path, module) in _modules)
        {
            if (ModuleState.NormOf(module) is not { } own || !IsIn(path, module)) continue;
            var (epsilon, momentum) = (settings.EpsilonOf(path), settings.MomentumOf(path));
            ModuleState.SetNorm(module, epsilon, momentum);
            if (own.Epsilon != epsilon) changes.Add(FormattableString.Invariant($"'{path}' has eps {epsilon} instead of {own.Epsilon}"));
            if (own.Momentum != momentum) changes.Add($"'{path}' has momentum {Text(momentum)} instead of {Text(own.Momentum)}");
        }

        return changes;

        static string Text(double? momentum) =>
            momentum is { } share ? FormattableString.Invariant($"{share}") : "none, the cumulative average,";
    }

    private bool IsIn(string path, nn.Module module) =>
        _strict || _file.Settings!.ByPath.ContainsKey(path)
        || module.state_dict().Keys.Any(name => _file.Tensors.ContainsKey(path.Length == 0 ? name : $"{path}.{name}"));
}
