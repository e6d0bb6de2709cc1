using System.Reflection;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>What of a module goes into a file: its tensors, and what its layers have besides.</summary>
internal static class ModuleState
{
    // TorchSharp leaves disposed tensors out of every list that is public.
    private static readonly FieldInfo? Parameters = Registry("_internal_params"), Buffers = Registry("_internal_buffers");

    /// <summary>The state dict.</summary>
    /// <exception cref="ObjectDisposedException">The module, or a module or tensor in it, is disposed.</exception>
    public static Dictionary<string, Tensor> Of(nn.Module module)
    {
        RequireAlive(module);
        return module.state_dict();
    }

    /// <summary>The state dict as it is written: counters as integers, whatever the type of the weights.</summary>
    /// <exception cref="ObjectDisposedException">The module, or a module or tensor in it, is disposed.</exception>
    public static IEnumerable<SafeTensor> Tensors(nn.Module module) => Of(module).Select(entry => Stored(entry.Key, entry.Value));

    /// <summary>A module and all below it, each once with its first path, parents first.</summary>
    public static IEnumerable<(string Path, nn.Module Module)> Modules(nn.Module root)
    {
        var seen = new HashSet<nn.Module>(ReferenceEqualityComparer.Instance);
        var waiting = new Stack<(string Path, nn.Module Module)>([("", root)]);
        while (waiting.TryPop(out var at))
        {
            if (!seen.Add(at.Module)) continue;
            yield return at;
            foreach (var (name, child) in at.Module.named_children().Reverse())
            {
                if (!seen.Contains(child)) waiting.Push((at.Path.Length == 0 ? name : $"{at.Path}.{name}", child));
            }
        }
    }

    /// <summary>The spec of a network that is as it was built of it; null for any other module.</summary>
    public static NetworkSpec? Description(nn.Module module) =>
        module is INetwork network && network.Change() is null ? network.Spec : null;

    /// <summary>What the module's layers have besides tensors; of a network without what its spec says.</summary>
    public static ModuleSettings Settings(nn.Module root)
    {
        var settings = new ModuleSettings();
        var known = Description(root) is { } spec ? BlockSettings.Of(spec) : new();
        foreach (var (path, module) in Modules(root))
        {
            if (NormOf(module) is { } norm) settings.SetNorm(path, norm.Epsilon, norm.Momentum);
            if (known.ByPath.ContainsKey(path)) continue;
            foreach (var (name, value) in BlockSettings.Of(module)) settings.Set(path, name, value);
        }

        return settings;
    }

    /// <summary>Says which normalisation has an eps or a momentum that no file keeps, or null.</summary>
    public static string? Problem(nn.Module root)
    {
        foreach (var (path, module) in Modules(root))
        {
            if (NormOf(module) is not { } norm) continue;
            if (!double.IsFinite(norm.Epsilon) || norm.Epsilon < 0) return Invalid("eps", norm.Epsilon);
            if (norm.Momentum is { } momentum && !double.IsFinite(momentum)) return Invalid("momentum", momentum);

            string Invalid(string name, double value) => FormattableString.Invariant(
                $"the {name} of '{path}' is {value}; a file keeps finite numbers, an eps of at least 0");
        }

        return null;
    }

    /// <summary>A normalisation's numbers; null for any other module. Those without a momentum have the default.</summary>
    public static (double Epsilon, double? Momentum)? NormOf(nn.Module module) => module switch
    {
        NormBase norm => (norm.eps, norm.momentum),
        LayerNorm norm => (norm.eps, ModuleSettings.DefaultMomentum),
        GroupNorm norm => (norm.eps, ModuleSettings.DefaultMomentum),
        _ => null,
    };

    public static void SetNorm(nn.Module module, double epsilon, double? momentum)
    {
        switch (module)
        {
            case NormBase norm:
                (norm.eps, norm.momentum) = (epsilon, momentum);
                break;
            case LayerNorm norm:
                norm.eps = epsilon;
                break;
            case GroupNorm norm:
                norm.eps = epsilon;
                break;
        }
    }

    /// <summary>Gives a network the normalisations' numbers of another one of the same spec.</summary>
    public static void CopyNorms(nn.Module from, nn.Module to)
    {
        foreach (var ((_, source), (_, target)) in Modules(from).Zip(Modules(to)))
        {
            if (NormOf(source) is { } norm) SetNorm(target, norm.Epsilon, norm.Momentum);
        }
    }

    /// <summary>Holds a module to being whole.</summary>
    /// <exception cref="ObjectDisposedException">The module, or a module or tensor in it, is disposed.</exception>
    public static void RequireAlive(nn.Module root)
    {
        foreach (var (path, module) in Modules(root).TakeWhile(at => IsAlive(at.Path, at.Module, root)))
        {
            var disposed = Names<Parameter>(Parameters, module, tensor => tensor.IsInvalid)
                .Concat(Names<(Tensor Tensor, bool)>(Buffers, module, buffer => buffer.Tensor.IsInvalid))
                .FirstOrDefault();
            if (disposed is not null) throw Disposed(root, $"'{(path.Length == 0 ? disposed : $"{path}.{disposed}")}' is disposed");
        }
    }

    // Asking the mode asks the native module, whose handle says whether it is still there; its children are gone with it.
    private static bool IsAlive(string path, nn.Module module, nn.Module root)
    {
        try
        {
            _ = module.training;
            return true;
        }
        catch (ObjectDisposedException)
        {
            throw Disposed(root, path.Length == 0 ? "it is disposed" : $"'{path}' is disposed");
        }
    }

    private static ObjectDisposedException Disposed(nn.Module root, string what) =>
        new(root.GetType().Name, $"The module {root.GetType().Name} can't be saved, loaded or run: {what}.");

    private static FieldInfo? Registry(string name) => typeof(nn.Module).GetField(name, BindingFlags.Instance | BindingFlags.NonPublic);

    private static IEnumerable<string> Names<T>(FieldInfo? registry, nn.Module module, Func<T, bool> isDisposed) =>
        registry?.GetValue(module) is IDictionary<string, T> entries
            ? entries.Keys.Where(name => entries[name] is { } entry && isDisposed(entry))
            : [];

    // TorchSharp makes a batch norm's counter of the weights' type; PyTorch counts in int64 whatever they are, so files do.
    private static SafeTensor Stored(string key, Tensor tensor)
    {
        if (!Inference.ExpectedTensors.IsCounter(key)) return TensorBytes.Read(key, tensor);
        using var counter = tensor.to(ScalarType.Int64);
        return TensorBytes.Read(key, counter);
    }
}
