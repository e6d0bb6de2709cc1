using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Puts modules in the places of others, and all of them back again unless told to keep.</summary>
internal sealed class ModuleSwap : IDisposable
{
    private readonly Stack<Action> _undo = [];

    public void Replace(IReadOnlyList<ModulePlace> places, nn.Module old, nn.Module replacement)
    {
        foreach (var place in places)
        {
            // Noted first: a place that fails half-way is put back too.
            _undo.Push(() => place.Put(old));
            place.Put(replacement);
        }
    }

    /// <summary>Makes what was put there final.</summary>
    public void Keep() => _undo.Clear();

    public void Dispose()
    {
        while (_undo.TryPop(out var undo)) undo();
    }
}
