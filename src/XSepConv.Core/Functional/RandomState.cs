using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The state of torch's generator, put back when disposed of unless told to keep what was drawn.</summary>
internal sealed class RandomState : IDisposable
{
    private readonly Tensor _state = random.get_rng_state().DetachFromDisposeScope();
    private bool _keep;

    /// <summary>Lets the generator go on from where it is.</summary>
    public void Keep() => _keep = true;

    public void Dispose()
    {
        if (!_keep) random.set_rng_state(_state);
        _state.Dispose();
    }
}
