using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// Lets a network be run on made-up images without a trace: eval mode, without gradients. Disposed of, every module is in the mode it was
/// in, and every parameter and buffer has the values it had.
/// </summary>
internal sealed class Probing : IDisposable
{
    private readonly ModuleModes _modes;
    private readonly List<(Tensor Held, Tensor Before)> _values;
    private readonly IDisposable _noGrad;

    public Probing(nn.Module network)
    {
        _modes = new(network);
        // Copies: a forward may change what it likes, in eval mode too. On the meta device there are no values.
        var tensors = network.parameters().Concat(network.buffers()).Where(tensor => tensor.device_type != DeviceType.META);
        _values = [.. tensors.Select(tensor => (tensor, Copy(tensor)))];
        _noGrad = no_grad();
        network.eval();
    }

    public void Dispose()
    {
        // Last, and whatever is thrown: the thread would compute without gradients from then on.
        using var noGrad = _noGrad;
        using var scope = NewDisposeScope();
        foreach (var (held, before) in _values)
        {
            // Written only where it differs: a write would make a backward that is still to come fail.
            if (!held.eq(before).all().item<bool>()) held.copy_(before);
            before.Dispose();
        }

        _modes.Dispose();
    }

    private static Tensor Copy(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.detach().clone().DetachFromDisposeScope();
    }
}
