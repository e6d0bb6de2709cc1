using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// Moves the state dict of any TorchSharp module to and from safetensors files, the format in which weights move between PyTorch and .NET.
/// </summary>
public static class SafeTensorsExtensions
{
    /// <summary>Tensors of a file whose names start so belong to a trainer, not to the module (module keys never hold a slash).</summary>
    public const string TrainingPrefix = Inference.ExpectedTensors.TrainingPrefix;

    /// <summary>Writes every parameter and buffer under its state-dict key.</summary>
    /// <param name="module">The module, on any device.</param>
    /// <param name="path">A safetensors file; replaced as a whole or not at all.</param>
    /// <param name="metadata">Entries for the file's metadata; <c>format</c> is set to <c>pt</c>, as PyTorch's tools expect.</param>
    /// <remarks>
    /// What decides the module's output and is no tensor goes along under <c>xsepconv.settings</c>: <c>eps</c> and <c>momentum</c> of
    /// normalisations where they are not the defaults, and what the blocks here were built with (padding, stride, activation). A
    /// <see cref="MobileNet"/> whose modules are no longer those that it was built of goes without its <see cref="NetworkSpec"/>, which
    /// describes another network: its weights fit one that was changed in the same way.
    /// </remarks>
    /// <exception cref="IOException">The file can't be written.</exception>
    /// <exception cref="ObjectDisposedException">
    /// The module, or a module or tensor in it, is disposed; a file that is there stays as it is.
    /// </exception>
    /// <exception cref="InvalidDataException">A normalisation has an eps or a momentum that no file keeps; it is named.</exception>
    public static void SaveSafeTensors(this nn.Module module, string path, IReadOnlyDictionary<string, string>? metadata = null) =>
        module.SaveSafeTensors(path, new SafeTensorsSaveOptions { Metadata = metadata });

    /// <summary>The same, with weights of fewer bytes where that is wanted.</summary>
    /// <param name="module">The module, on any device.</param>
    /// <param name="path">A safetensors file; replaced as a whole or not at all.</param>
    /// <param name="options">The type of the weights, and entries for the file's metadata.</param>
    /// <exception cref="ArgumentOutOfRangeException">Weights are not written in that type.</exception>
    /// <exception cref="InvalidDataException">
    /// The type can't hold the weights of a tensor, or no file the eps or momentum of a normalisation; it is named, and a file that is
    /// there stays as it is.
    /// </exception>
    /// <inheritdoc cref="SaveSafeTensors(nn.Module, string, IReadOnlyDictionary{string, string})"/>
    public static void SaveSafeTensors(this nn.Module module, string path, SafeTensorsSaveOptions options)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Dtype is { } asked) StoredWeights.RequireKnown(asked, nameof(options));
        ModuleState.RequireAlive(module);
        if (ModuleState.Problem(module) is { } problem) throw new InvalidDataException($"The module can't be saved: {problem}.");
        var tensors = ModuleState.Tensors(module);
        if (options.Dtype is { } type) tensors = StoredWeights.Of(tensors, type);
        var entries = new Dictionary<string, string>(options.Metadata ?? new Dictionary<string, string>())
        {
            ["format"] = "pt",
            [ModuleSettings.MetadataKey] = ModuleState.Settings(module).ToJson(),
        };
        entries.Remove(Int8Weights.MetadataKey);
        if (options.Dtype == SafeTensorType.I8) entries[Int8Weights.MetadataKey] = Int8Weights.Meaning;
        if (ModuleState.Description(module) is { } spec) entries[NetworkSpec.MetadataKey] = spec.ToJson();
        else if (module is INetwork) entries.Remove(NetworkSpec.MetadataKey);
        SafeTensors.Write(path, tensors, entries);
    }

    /// <summary>Loads every parameter and buffer from a file; the module changes only when everything fits.</summary>
    /// <param name="module">The module, on any device. Values are converted to its types; what these can't hold is refused.</param>
    /// <param name="path">A safetensors file.</param>
    /// <param name="strict">
    /// Whether missing and unexpected keys are errors, and blocks that were built otherwise than the file's. Wrong shapes always are; a
    /// missing <c>num_batches_tracked</c> never is.
    /// </param>
    /// <returns>What was left aside.</returns>
    /// <remarks>
    /// Normalisations get the <c>eps</c> and <c>momentum</c> of the file with its weights: those it names, and the defaults otherwise. A
    /// file without that entry and without a network's description, as PyTorch's tools write it, leaves the module's. Weights that are not
    /// finite are loaded as they are, for whoever wants to look at them; whatever computes with a network refuses them.
    /// </remarks>
    /// <exception cref="InvalidDataException">
    /// The file is damaged, or keys, shapes or types do not fit; the first ten problems are listed.
    /// </exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ObjectDisposedException">The module, or a module or tensor in it, is disposed.</exception>
    public static StateDictDifference LoadSafeTensors(this nn.Module module, string path, bool strict = true) =>
        module.LoadSafeTensors(path, new SafeTensorsLoadOptions { Strict = strict });

    /// <summary>The same, of a file whose keys are called otherwise than the module's.</summary>
    /// <param name="module">The module, on any device. Values are converted to its types; what these can't hold is refused.</param>
    /// <param name="path">A safetensors file.</param>
    /// <param name="options">What is taken off the keys, how they are renamed, and whether all must fit.</param>
    /// <inheritdoc cref="LoadSafeTensors(nn.Module, string, bool)"/>
    public static StateDictDifference LoadSafeTensors(this nn.Module module, string path, SafeTensorsLoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(options.Prefix);
        ModuleState.RequireAlive(module);
        using var file = SafeTensors.Open(path);
        return StateDictLoad.Run(module, new(file, path, options), options);
    }
}
