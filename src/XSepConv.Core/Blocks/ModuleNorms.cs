using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The batch norms of a module, and how many values of a channel each of them sees.</summary>
internal sealed class ModuleNorms
{
    private readonly Layer[] _layers;
    private readonly NormBase?[] _norms;
    private readonly int[] _from;

    /// <param name="owner">The module, with all its components registered.</param>
    /// <param name="layers">What it consists of; its batch norms are found by the layers' names.</param>
    public ModuleNorms(nn.Module owner, IEnumerable<Layer> layers)
    {
        _layers = [.. layers];
        var norms = owner.named_modules().Where(entry => entry.module is NormBase)
            .ToDictionary(entry => entry.name, entry => (NormBase)entry.module);
        _norms = [.. _layers.Select(layer => layer.Norm is { } name ? norms[name] : null)];
        _from = [.. _layers.Select(layer => Array.IndexOf(_layers, layer.From))];
    }

    /// <summary>Refuses a map from which a batch norm in training mode can't take a variance, before any of them has counted it.</summary>
    /// <exception cref="ArgumentException">One of them would get one value per channel.</exception>
    public void RequireStatistics(Tensor x, string module)
    {
        // With two images there are two values everywhere, with none torch's batch norms have nothing to do.
        if (x.size(0) != 1) return;
        var sizes = new (long Height, long Width)[_layers.Length];
        for (var i = 0; i < sizes.Length; i++)
        {
            sizes[i] = _layers[i].SizeAfter(_from[i] < 0 ? (x.size(2), x.size(3)) : sizes[_from[i]]);
            if (_norms[i] is not { } norm || sizes[i] != (1, 1)) continue;
            if (!norm.training && (norm.running_mean is not null || norm.running_var is not null)) continue;
            throw new ArgumentException(
                $"{module} gets one image, of which its batch norm '{_layers[i].Norm}', in training mode, sees one value per channel, "
                + "which has no variance; give a batch of at least 2 images, or call eval().",
                nameof(x));
        }
    }
}
