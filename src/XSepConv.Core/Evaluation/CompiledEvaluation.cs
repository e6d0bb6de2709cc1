using System.Collections.Immutable;
using System.Numerics;
using TorchSharp;
using XSepConv.Inference;
using XSepConv.Kernels;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Runs a network in evaluation mode through a plan of the runtime: batch norms folded, weights packed.</summary>
/// <remarks>
/// Before each run all that the network would read, the values of every parameter and buffer and every epsilon, is hashed and compared with
/// what was packed; see <see cref="WeightHash"/>. The matrices of linear layers, half of a small network, are not packed but read where
/// they lie, which costs as much as a look at them. What was packed is let go of when the network trains, leaves the CPU or float32, or is
/// disposed.
/// </remarks>
internal sealed class CompiledEvaluation(INetwork network, CompiledEvaluation? before = null)
{
    // As sessions of the runtime: more only wait for each other.
    private const int MostBeyondCores = 32;

    // A span of a tensor's bytes has an int for its length.
    private const int MostValues = int.MaxValue / sizeof(float);

    private readonly BuiltNetwork _built = new(network, before?._built);
    private readonly nn.Module _module = (nn.Module)network;
    private readonly Lock _packing = new();
    private volatile Packed? _packed;

    /// <summary>What is kept now: packed weights and buffers for images of sizes seen; 0 while nothing is packed.</summary>
    public long MemoryBytes => _packed?.Pool is { } pool ? pool.WeightBytes + pool.IdleBytes : 0;

    /// <summary>Logits [N, classes] of images [N, C, H, W] that the network takes; null where its layers are to run.</summary>
    public Tensor? TryForward(Tensor x)
    {
        if (WhyNot(x, out var tensors) is not null) return null;
        var packed = Pack(tensors!);
        var logits = packed.Pool is null ? null : Run(packed.Pool, x);
        GC.KeepAlive(tensors);
        GC.KeepAlive(x);
        return logits;
    }

    /// <summary>Maps [N, C, H, W] of images [N, C, H, W] that the network takes; null where its layers are to run.</summary>
    /// <param name="x">The images.</param>
    /// <param name="layers">The network's.</param>
    /// <param name="parts">Which maps, as <see cref="NetworkLayers.Part"/> counts them, from the first part on.</param>
    public IReadOnlyList<Tensor>? TryFeatures(Tensor x, NetworkLayers layers, ImmutableArray<int> parts)
    {
        if (WhyNot(x, out var tensors) is not null) return null;
        var packed = Pack(tensors!);
        var maps = packed.Pool is null ? null : Run(packed.Pool, x, layers, parts);
        GC.KeepAlive(tensors);
        GC.KeepAlive(x);
        return maps;
    }

    /// <summary>Says why its layers run on such images, or null where the plan does. Values apart: those are looked at by a run.</summary>
    public string? WhyNot(Tensor x) => WhyNot(x, out _);

    /// <summary>Says what of its modules is not as it was built, or null.</summary>
    public string? Change() => _built.Change(network);

    /// <summary>Lets go of what was packed.</summary>
    public void Release() => _packed = null;

    private string? WhyNot(Tensor x, out LiveTensors? tensors)
    {
        tensors = null;
        if (_module.training || x.device_type != DeviceType.CPU || x.dtype != ScalarType.Float32)
        {
            Release();
            return "it is not in evaluation mode on the CPU in float32";
        }

        if (x.size(0) < 1) return "there are no images";
        if (x.numel() > MostValues || x.size(0) * network.Spec.Outputs > MostValues) return "there are too many values";
        var wantsGradients = is_grad_enabled();
        if (wantsGradients && x.requires_grad) return "gradients are wanted";
        if (_built.Read(network, out tensors) is { } reason) return reason;
        return wantsGradients && tensors.AnyRequiresGrad ? "gradients are wanted" : null;
    }

    private Packed Pack(LiveTensors tensors)
    {
        var hash = tensors.Hash();
        if (_packed is { } packed && packed.Hash.Equals(hash)) return packed;
        lock (_packing)
        {
            if (_packed is { } other && other.Hash.Equals(hash)) return other;

            // What is out of date makes room first.
            _packed = null;

            // A copy: what another thread changes meanwhile must not be packed under the hash of what was there.
            using var scope = NewDisposeScope();
            var copy = tensors.Copy();
            return _packed = new(copy.Hash(), PoolOf(copy));
        }
    }

    private SessionPool? PoolOf(LiveTensors tensors)
    {
        try
        {
            var folded = FoldedNetwork.Of(network.Spec, tensors.ToSource(_module.GetName()), linearApart: true);
            return new(PackedNetwork.Create(folded, KernelRegistry.Current.Name, tensors.Matrices()), network.Spec);
        }
        catch (InvalidDataException)
        {
            // Weights that are no finite numbers, or are none when folded: the layers compute what there is to compute.
            return null;
        }
    }

    private unsafe Tensor? Run(SessionPool pool, Tensor x)
    {
        using var scope = NewDisposeScope();
        var (images, size) = Size(x);
        var logits = FusedMemory.Empty(images, network.Spec.Outputs);
        try
        {
            pool.Run(FusedMemory.Pointer(x), FusedMemory.Pointer(logits), images, size, Threads());
        }
        catch (Exception e) when (e is ArgumentException or OutOfMemoryException)
        {
            return null;
        }

        // Folded, a sum may leave float32 where the layers' did not.
        return AreNumbers(logits) ? logits.MoveToOuterDisposeScope() : null;
    }

    private static unsafe IReadOnlyList<Tensor>? Run(SessionPool pool, Tensor x, NetworkLayers layers, ImmutableArray<int> parts)
    {
        var (images, size) = Size(x);
        var sizes = Layer.Sizes(layers.All, (size.Height, size.Width));
        long[][] shapes =
        [
            .. parts.Select(layers.Part).Select(layer => new[] { images, layer.Out, sizes[layer].Height, sizes[layer].Width }),
        ];
        if (shapes.Any(shape => shape.Aggregate(1.0, (count, side) => count * side) > MostValues)) return null;
        using var scope = NewDisposeScope();
        Tensor[] maps = [.. shapes.Select(FusedMemory.Empty)];
        var outputs = stackalloc float*[maps.Length];
        for (var i = 0; i < maps.Length; i++) outputs[i] = FusedMemory.Pointer(maps[i]);
        try
        {
            pool.Run(FusedMemory.Pointer(x), outputs, parts, images, size, Threads());
        }
        catch (Exception e) when (e is ArgumentException or OutOfMemoryException)
        {
            return null;
        }

        return maps.All(AreNumbers) ? [.. maps.Select(map => map.MoveToOuterDisposeScope())] : null;
    }

    private static (int Images, MapSize Size) Size(Tensor x) =>
        ((int)x.size(0), new(checked((int)x.size(2)), checked((int)x.size(3))));

    private static int Threads() => Math.Min(TorchTeam.Join(), Math.Max(Environment.ProcessorCount, MostBeyondCores));

    private static unsafe bool AreNumbers(Tensor map)
    {
        var values = new ReadOnlySpan<float>(FusedMemory.Pointer(map), (int)map.numel());
        for (; values.Length >= Vector<float>.Count; values = values[Vector<float>.Count..])
        {
            var vector = new Vector<float>(values);
            if (!Vector.EqualsAll(vector - vector, Vector<float>.Zero)) return false;
        }

        foreach (var value in values)
        {
            if (!float.IsFinite(value)) return false;
        }

        return true;
    }

    private sealed record Packed(WeightHash Hash, SessionPool? Pool);
}
