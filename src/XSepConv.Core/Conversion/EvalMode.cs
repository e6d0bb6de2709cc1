using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Puts a network into eval mode, without gradients, until disposed of; then every module is in the mode it was in.</summary>
internal sealed class EvalMode : IDisposable
{
    private readonly List<(nn.Module Module, bool Training)> _modes;
    private readonly IDisposable _noGrad = no_grad();

    public EvalMode(nn.Module network)
    {
        _modes = [.. network.named_modules().Select(entry => entry.module).Prepend(network).Select(module => (module, module.training))];
        network.eval();
    }

    public void Dispose()
    {
        // Parents first, since train(…) reaches the children too.
        foreach (var (module, training) in _modes) module.train(training);
        _noGrad.Dispose();
    }
}
