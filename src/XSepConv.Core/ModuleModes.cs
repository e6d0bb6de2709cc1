using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// The mode of every module of a network, put back when disposed of. The root's alone is not enough: <c>train()</c> reaches all that is
/// below, also what was in evaluation mode on purpose.
/// </summary>
internal sealed class ModuleModes(nn.Module network) : IDisposable
{
    private readonly (nn.Module Module, bool Training)[] _modes =
        [.. network.named_modules().Select(entry => entry.module).Prepend(network).Select(module => (module, module.training))];

    public void Dispose()
    {
        // Parents first, since train(…) reaches the children too.
        foreach (var (module, training) in _modes) module.train(training);
    }
}
