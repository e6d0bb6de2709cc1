using System.Runtime.InteropServices;
using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The batch norms of a module, and how many values of a channel each of them sees.</summary>
internal sealed class ModuleNorms
{
    private readonly Layer[] _layers;
    private readonly NormBase?[] _norms;
    private readonly nn.Module?[] _modules;
    private readonly int[] _from;
    private readonly Func<Layer, bool> _follows;
    private Tensor? _written;

    /// <param name="owner">The module, with all its components registered.</param>
    /// <param name="layers">What it consists of; their modules are found by the layers' names.</param>
    /// <param name="follows">Whether nothing was put between a layer and the one before it; never where null.</param>
    public ModuleNorms(nn.Module owner, IEnumerable<Layer> layers, Func<Layer, bool>? follows = null)
    {
        _layers = [.. layers];
        var modules = owner.named_modules().ToDictionary(entry => entry.name, entry => entry.module);
        _norms = [.. _layers.Select(layer => layer.Norm is { } name ? (NormBase)modules[name] : null)];
        _modules = [.. _layers.Select(layer => modules.GetValueOrDefault(layer.Name))];
        _from = [.. _layers.Select(layer => Array.IndexOf(_layers, layer.From))];
        _follows = follows ?? (_ => true);
    }

    /// <summary>Refuses a map from which a batch norm in training mode can't take a variance, before any of them has counted it.</summary>
    /// <param name="x">What the first layer is given.</param>
    /// <param name="module">What the user calls.</param>
    /// <param name="first">The first layer that will run; that of the module where null.</param>
    /// <param name="last">The last one.</param>
    /// <exception cref="ArgumentException">One of them would get one value per channel.</exception>
    /// <exception cref="InvalidOperationException">Their counters were made in inference mode, and can't be written outside.</exception>
    public void RequireStatistics(Tensor x, string module, Layer? first = null, Layer? last = null)
    {
        var start = first is null ? 0 : Array.IndexOf(_layers, first);
        RequireWritable(module, start, last);

        // With two images there are two values everywhere, with none torch's batch norms have nothing to do.
        if (x.size(0) != 1) return;
        var sizes = new (long Height, long Width)?[_layers.Length];
        for (var i = start; i < sizes.Length; i++)
        {
            sizes[i] = i == start || _from[i] < 0 ? SizeAfter(i, (x.size(2), x.size(3)))
                : SizeAfter(i, _follows(_layers[i]) ? sizes[_from[i]] : null);
            if (_norms[i] is { } norm && sizes[i] == (1, 1) && Counts(norm))
            {
                throw new ArgumentException(
                    $"{module} gets one image, of which its batch norm '{_layers[i].Norm}', in training mode, sees one value per channel, "
                    + "which has no variance; give a batch of at least 2 images, or call eval().",
                    nameof(x));
            }

            if (_layers[i] == last) return;
        }
    }

    private static bool Counts(NormBase norm) => norm.training || (norm.running_mean is null && norm.running_var is null);

    // As the modules are now: stride, dilation and a pool's size can be set. Null where that is not known.
    private (long Height, long Width)? SizeAfter(int i, (long Height, long Width)? input) => _modules[i] switch
    {
        AdaptiveAvgPool2d { output_size: [var height, var width] } => (height, width),
        Conv2d conv when input is { } size => SizeAfter(_layers[i], conv, size),
        _ when _layers[i].Kind is LayerKind.Pool or LayerKind.Linear => (1, 1),
        _ => input is { } size ? _layers[i].SizeAfter(size) : null,
    };

    private static (long Height, long Width) SizeAfter(Layer layer, Conv2d conv, (long Height, long Width) input)
    {
        if (conv is not { stride: [_, _] stride, padding: [_, _] padding, dilation: [_, _] dilation }) return layer.SizeAfter(input);

        // What a 2×2 pads, its stage does.
        var border = layer.Kernel == (2, 2) && !layer.Prepadded ? 1 : 0;
        return (Along(0, input.Height), Along(1, input.Width));

        long Along(int axis, long size) =>
            ((size + border + (2 * padding[axis]) - (dilation[axis] * (conv.weight.size(2 + axis) - 1)) - 1) / stride[axis]) + 1;
    }

    // TorchSharp can't say whether a tensor is of inference mode: a counter is written as it will be, and looked at once.
    private void RequireWritable(string module, int start, Layer? last)
    {
        for (var i = start; i < _norms.Length; i++)
        {
            if (_norms[i] is { training: true, num_batches_tracked: { } count })
            {
                if (ReferenceEquals(count, _written) || is_inference_mode_enabled()) return;
                RequireWritable(module, count, _layers[i].Norm!);
                _written = count;
                return;
            }

            if (_layers[i] == last) return;
        }
    }

    private static void RequireWritable(string module, Tensor count, string norm)
    {
        try
        {
            count.add_(Scalars.Zero, Scalars.One);
        }
        catch (ExternalException e) when (e.Message.Contains("inference tensor", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException(
                $"The {module} can't be trained: it was made within inference_mode(), outside of which its batch norm '{norm}' can't be "
                + "written. Make or load it outside, and call it within, or call eval().",
                e);
        }
    }
}
