using System.Diagnostics;
using XSepConv.Inference;
using XSepConv.Kernels;

namespace XSepConv;

/// <summary>From a network of modules to one that runs without Torch.</summary>
public static class Compilation
{
    /// <summary>Compiles the network as it is now, in evaluation mode; later training does not change what was compiled.</summary>
    /// <param name="network">On any device, of any floating-point type.</param>
    /// <param name="data">The data it was trained on, where pictures are to be normalised and classes named.</param>
    /// <exception cref="ArgumentException"><paramref name="data"/> does not fit the network, or contradicts itself.</exception>
    /// <exception cref="InvalidOperationException">
    /// The network is not as it was built: a module was added or replaced, a setting of one changed, or its class has a <c>forward</c> of
    /// its own.
    /// </exception>
    /// <exception cref="InvalidDataException">A weight is not a finite number, or a variance is negative.</exception>
    /// <exception cref="ObjectDisposedException">The network, or a module or tensor in it, is disposed.</exception>
    public static CompiledModel Compile(this MobileNet network, DataSpec? data = null) =>
        network.Compile(data, KernelRegistry.Current.Name);

    internal static CompiledModel Compile(this MobileNet network, DataSpec? data, string kernel)
    {
        ArgumentNullException.ThrowIfNull(network);
        var watch = Stopwatch.StartNew();
        var spec = network.Spec;
        if (data is not null && (data.Channels != spec.InputChannels || data.Classes.Count != spec.NumClasses))
        {
            throw new ArgumentException(
                $"The data has {data.Channels} channels and {data.Classes.Count} classes, the network {spec.InputChannels} and "
                + $"{spec.NumClasses}.",
                nameof(data));
        }

        if (data?.Problem() is { } problem) throw new ArgumentException($"The data can't be used: {problem}.", nameof(data));
        var weights = new MemoryWeights(TypeName.Of(network.GetType()), ModuleState.Tensors(network), ModuleState.Settings(network));
        if (network.Evaluation.Change() is { } change)
        {
            throw new InvalidOperationException(
                $"The network can't be compiled, since {change}: what is compiled is the network of its {nameof(network.Spec)}.");
        }

        return CompiledModel.Compile(spec, data, weights, kernel, watch);
    }
}
