using static TorchSharp.torch;

namespace XSepConv.Training;

/// <summary>
/// What a forward in training mode changes: the running statistics of batch norms, and whatever else is a network's and no parameter. Kept
/// before a step, it can be put back when the step comes to nothing.
/// </summary>
internal sealed class KeptBuffers : IDisposable
{
    private readonly (Tensor Buffer, Tensor Kept)[] _pairs;

    public KeptBuffers(nn.Module network)
    {
        using var scope = NewDisposeScope();
        _pairs = [.. network.buffers().Select(buffer => (buffer, buffer.detach().clone().DetachFromDisposeScope()))];
    }

    public void Keep()
    {
        using var noGrad = no_grad();
        foreach (var (buffer, kept) in _pairs) kept.copy_(buffer);
    }

    public void PutBack()
    {
        using var noGrad = no_grad();
        foreach (var (buffer, kept) in _pairs) buffer.copy_(kept);
    }

    public void Dispose()
    {
        foreach (var (_, kept) in _pairs) kept.Dispose();
    }
}
