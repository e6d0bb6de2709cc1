using static TorchSharp.torch;

namespace XSepConv.Onnx;

/// <summary>A module and its path from the exported one, such as <c>bneck.4.se</c>.</summary>
internal readonly record struct ModuleAt(nn.Module Module, string Path)
{
    public IEnumerable<ModuleAt> Children
    {
        get
        {
            var path = Path;
            return Module.named_children().Select(child => new ModuleAt(child.module, Join(path, child.name)));
        }
    }

    /// <summary>For messages.</summary>
    public string Where => Path.Length == 0 ? "the module itself" : $"'{Path}'";

    public ModuleAt Child(string name)
    {
        var path = Join(Path, name);
        return Children.First(child => child.Path == path);
    }

    /// <summary>The name of something that belongs to the module.</summary>
    public string Name(string name) => Join(Path, name);

    /// <summary>The name of the node that runs the module.</summary>
    public string NodeName(string otherwise) => Path.Length == 0 ? otherwise : Path;

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
