using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// Which parameters and buffers of a network several of its modules have. What has one can't be replaced: the other module would be left
/// with what is disposed of, or lose what ties it.
/// </summary>
internal sealed class SharedTensors
{
    private readonly Dictionary<nint, List<(nn.Module Module, string Path)>> _owners = [];

    public SharedTensors(nn.Module root)
    {
        foreach (var (path, module) in ModuleState.Modules(root))
        {
            foreach (var (_, tensor) in Tensors(module))
            {
                var place = Place(tensor);
                if (!_owners.TryGetValue(place, out var owners)) _owners[place] = owners = [];
                owners.Add((module, path));
            }
        }
    }

    /// <summary>
    /// The tensor of a module that another one has too, and which: <c>weight with 'blocks.1.dw'</c>; null where there is none.
    /// </summary>
    public string? Of(nn.Module module)
    {
        foreach (var (name, tensor) in Tensors(module))
        {
            var others = _owners[Place(tensor)].Where(owner => !ReferenceEquals(owner.Module, module)).Select(owner => owner.Path).ToList();
            if (others.Count > 0) return $"{name} with {(others[0].Length == 0 ? "the module itself" : $"'{others[0]}'")}";
        }

        return null;
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Tensors(nn.Module module) =>
        module.named_parameters(recurse: false).Select(entry => (entry.name, (Tensor)entry.parameter))
            .Concat(module.named_buffers(recurse: false).Select(entry => (entry.name, entry.buffer)))
            .Where(entry => entry.Item2.numel() > 0);

    // Where its values begin, as several tensors may be views of one. That can't be asked of a device's memory, nor where the bytes are too
    // many for a span; there a tensor stands for itself.
    private static unsafe nint Place(Tensor tensor) =>
        FusedMemory.AreBytes(tensor) ? (nint)FusedMemory.Pointer(tensor) : tensor.Handle;
}
