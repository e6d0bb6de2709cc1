using static TorchSharp.torch;

namespace XSepConv;

/// <summary>What a load that is not strict left aside.</summary>
/// <param name="MissingKeys">Keys of the module that the file lacks; these tensors keep their values.</param>
/// <param name="UnexpectedKeys">Keys of the file that the module lacks.</param>
public sealed record StateDictDifference(IReadOnlyList<string> MissingKeys, IReadOnlyList<string> UnexpectedKeys);

/// <summary>Moves the state dict of any TorchSharp module to and from safetensors files, the format in which weights move between PyTorch and .NET.</summary>
public static class SafeTensorsExtensions
{
    /// <summary>Tensors of a file whose names start so belong to a trainer, not to the module (module keys never hold a slash).</summary>
    public const string TrainingPrefix = Inference.ExpectedTensors.TrainingPrefix;

    /// <summary>Writes every parameter and buffer under its state-dict key.</summary>
    /// <param name="module">The module, on any device.</param>
    /// <param name="path">A safetensors file; replaced as a whole or not at all.</param>
    /// <param name="metadata">Entries for the file's metadata; <c>format</c> is set to <c>pt</c>, as PyTorch's tools expect.</param>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void SaveSafeTensors(this nn.Module module, string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        var entries = new Dictionary<string, string>(metadata ?? new Dictionary<string, string>()) { ["format"] = "pt" };
        SafeTensors.Write(path, module.state_dict().Select(entry => Stored(entry.Key, entry.Value)), entries);
    }

    /// <summary>Loads every parameter and buffer from a file; the module changes only when everything fits.</summary>
    /// <param name="module">The module, on any device. Values are converted to its types; only fractions do not go into integers.</param>
    /// <param name="path">A safetensors file.</param>
    /// <param name="strict">Whether missing and unexpected keys are errors. Wrong shapes always are.</param>
    /// <returns>What was left aside; nothing when strict.</returns>
    /// <exception cref="InvalidDataException">The file is damaged, or keys, shapes or types do not fit; all problems are listed.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static StateDictDifference LoadSafeTensors(this nn.Module module, string path, bool strict = true)
    {
        ArgumentNullException.ThrowIfNull(module);
        using var file = SafeTensors.Open(path);
        return module.LoadSafeTensors(file, path, strict);
    }

    internal static StateDictDifference LoadSafeTensors(this nn.Module module, SafeTensors file, string path, bool strict)
    {
        var state = module.state_dict();
        var missing = state.Keys.Where(key => !file.Contains(key)).ToList();
        var unexpected = file.Tensors.Keys.Where(key => !state.ContainsKey(key) && !key.StartsWith(TrainingPrefix, StringComparison.Ordinal)).ToList();
        var problems = new List<string>();
        if (strict)
        {
            problems.AddRange(missing.Select(key => $"'{key}' is missing"));
            problems.AddRange(unexpected.Select(key => $"'{key}' is unexpected"));
        }

        foreach (var (key, tensor) in state)
        {
            if (!file.Tensors.TryGetValue(key, out var info)) continue;
            if (!info.Shape.SequenceEqual(tensor.shape))
            {
                problems.Add($"'{key}' has shape [{string.Join(", ", info.Shape)}], the module's is [{string.Join(", ", tensor.shape)}]");
            }
            else if (TensorBytes.IsFloatingPoint(info.Type) && !tensor.is_floating_point())
            {
                problems.Add($"'{key}' has type {info.Type}, the module's is {tensor.dtype}");
            }
        }

        if (problems.Count > 0)
        {
            throw new InvalidDataException($"{path} does not fit the module {module.GetName()}: {string.Join("; ", problems)}.");
        }

        // Everything is read before anything changes: reading can still fail.
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var loaded = state.Where(entry => file.Contains(entry.Key)).Select(entry => (entry.Value, TensorBytes.Create(file.Tensors[entry.Key], file.ReadBytes(entry.Key)))).ToList();
        foreach (var (tensor, values) in loaded) tensor.copy_(values);
        return new(missing, unexpected);
    }

    // TorchSharp makes a batch norm's counter of the weights' type; PyTorch counts in int64 whatever they are, so files do.
    private static SafeTensor Stored(string key, Tensor tensor)
    {
        if (!key.EndsWith("num_batches_tracked", StringComparison.Ordinal)) return TensorBytes.Read(key, tensor);
        using var counter = tensor.to(ScalarType.Int64);
        return TensorBytes.Read(key, counter);
    }
}
