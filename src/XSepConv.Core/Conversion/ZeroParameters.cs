using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// Gives parameters that are all zero other values until it is disposed. Behind a scale of zero, as residual branches and classifiers are
/// begun with, nothing shows in a network's output.
/// </summary>
internal sealed class ZeroParameters : IDisposable
{
    private readonly List<(Tensor Parameter, Tensor Zeros)> _filled = [];

    public ZeroParameters(nn.Module network)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var parameter in network.parameters())
        {
            if (!parameter.is_floating_point() || parameter.numel() == 0 || parameter.count_nonzero().item<long>() != 0) continue;
            _filled.Add((parameter, parameter.detach().clone().DetachFromDisposeScope()));
            Write(parameter, CandidateSearch.Wave(parameter.shape, parameter));
        }
    }

    public void Dispose()
    {
        using var noGrad = no_grad();
        foreach (var (parameter, zeros) in _filled)
        {
            Write(parameter, zeros);
            zeros.Dispose();
        }
    }

    // Torch need not know where it can be helped: a backward that is still to come would fail.
    private static void Write(Tensor parameter, Tensor values)
    {
        if (FusedMemory.AreBytes(parameter)) values.bytes.CopyTo(parameter.bytes);
        else parameter.copy_(values);
    }
}
