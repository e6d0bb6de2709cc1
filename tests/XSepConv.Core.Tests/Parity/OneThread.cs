using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Parity;

/// <summary>Gives torch one thread until disposed: on maps as small as the tests' threads spend their time waiting for each other.</summary>
internal readonly struct OneThread : IDisposable
{
    private readonly int _before = get_num_threads();

    public OneThread() => set_num_threads(1);

    public void Dispose() => set_num_threads(_before);
}
