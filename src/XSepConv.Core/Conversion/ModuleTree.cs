using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// Every module below a root, once, with its first path; what is inside an XSepConv is left out, since that is already converted.
/// </summary>
internal sealed class ModuleTree
{
    private readonly Dictionary<nn.Module, string> _paths = new(ReferenceEqualityComparer.Instance);
    private readonly List<nn.Module> _order = [];

    public ModuleTree(nn.Module root) => Visit("", root);

    /// <summary>The root first, parents before their children.</summary>
    public IReadOnlyList<nn.Module> Modules => _order;

    public string PathOf(nn.Module module) => _paths[module];

    private void Visit(string path, nn.Module module)
    {
        if (!_paths.TryAdd(module, path)) return;
        _order.Add(module);
        if (module is IXSepOperator) return;
        foreach (var (name, child) in module.named_children().ToList()) Visit(path.Length == 0 ? name : $"{path}.{name}", child);
    }
}
