using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

/// <summary>All that can be seen of a network: each module with its mode, each tensor with its bytes, torch's generator.</summary>
internal sealed class Snapshot
{
    private readonly Dictionary<string, (Module Module, bool Training)> _modules = [];
    private readonly Dictionary<string, string> _tensors = [];

    public Snapshot(Module network)
    {
        foreach (var (name, module) in network.named_modules().Prepend(("", network))) _modules[name] = (module, module.training);
        foreach (var (name, parameter) in network.named_parameters()) _tensors[name] = Describe(parameter);
        foreach (var (name, buffer) in network.named_buffers()) _tensors[name] = Describe(buffer);
        using var state = random.get_rng_state();
        Random = Bytes(state);
        GradEnabled = is_grad_enabled();
    }

    public string Random { get; }

    public bool GradEnabled { get; }

    /// <summary>Asserts that a later one shows the same, but for what is at or below some places.</summary>
    public void RequireSame(Snapshot later, params IEnumerable<string> but)
    {
        Assert.Equal(Outside(_modules, but), Outside(later._modules, but));
        Assert.Equal(Outside(_tensors, but), Outside(later._tensors, but));
        Assert.Equal(GradEnabled, later.GradEnabled);
    }

    private static SortedDictionary<string, T> Outside<T>(Dictionary<string, T> all, IEnumerable<string> places) =>
        new(all.Where(entry => !places.Any(place => entry.Key == place || entry.Key.StartsWith($"{place}.", StringComparison.Ordinal))).ToDictionary());

    private static string Describe(Tensor tensor) =>
        $"{tensor.dtype} on {tensor.device}, [{string.Join(", ", tensor.shape)}], requires_grad {tensor.requires_grad}: {Bytes(tensor)}, gradient {(tensor.grad is { } grad ? Bytes(grad) : "none")}";

    private static string Bytes(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return System.Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(tensor.detach().contiguous().bytes));
    }
}
