using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using XSepConv.Kernels;
using XSepConv.Layers;

namespace XSepConv.Inference;

/// <summary>A network's weights as the kernels of one vector width read them. Immutable.</summary>
internal abstract class PackedNetwork
{
    /// <summary>The width, as <see cref="KernelRegistry"/> names it.</summary>
    public required string Kernel { get; init; }

    /// <summary>Bytes of the weights, with the zeros that fill vectors up.</summary>
    public abstract long WeightBytes { get; }

    /// <summary>Lays the steps out for images of one size.</summary>
    /// <param name="image">The size.</param>
    /// <param name="threads">That share the work.</param>
    /// <param name="maps">
    /// Maps that are wanted in place of logits, as <see cref="NetworkLayers.Part"/> counts them; none for logits.
    /// </param>
    public abstract NetworkPlan Plan(MapSize image, int threads, ImmutableArray<int> maps);

    /// <summary>Packs a network.</summary>
    /// <param name="network">Its numbers.</param>
    /// <param name="kernel">The width.</param>
    /// <param name="live">
    /// Where the weights of the head's layers lie that were folded apart, [output][input], for as long as it runs; null where they were
    /// not.
    /// </param>
    public static PackedNetwork Create(FoldedNetwork network, string kernel, IReadOnlyList<nint>? live = null) => kernel switch
    {
        "v512" when CanRun(Vector512.IsHardwareAccelerated) =>
            new PackedNetwork<Lanes512, Vector512<float>>(network, live) { Kernel = kernel },
        "v256" when CanRun(Vector256.IsHardwareAccelerated) =>
            new PackedNetwork<Lanes256, Vector256<float>>(network, live) { Kernel = kernel },
        "v128" when CanRun(Vector128.IsHardwareAccelerated) =>
            new PackedNetwork<Lanes128, Vector128<float>>(network, live) { Kernel = kernel },
        "scalar" => new PackedNetwork<LanesScalar, float>(network, live) { Kernel = kernel },
        _ => throw new InvalidOperationException(
            $"{KernelRegistry.Variable} asks for the kernels \"{kernel}\", which this program was compiled without (IlcInstructionSet); "
            + "leave it unset."),
    };

    // A program that was compiled ahead carries no emulated width: nobody wants one there, and it would be half of the program.
    private static bool CanRun(bool isAccelerated) => isAccelerated || RuntimeFeature.IsDynamicCodeSupported;
}

internal sealed unsafe class PackedNetwork<TLanes, TVector> : PackedNetwork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private readonly NetworkLayers _layers;
    private readonly WeightMemory _memory = new(TLanes.Count);
    private readonly PackedPointwise _stem;
    private readonly ImmutableArray<PackedBlock> _blocks;
    private readonly PackedPointwise _last;
    private readonly ImmutableArray<(PackedLinear? Packed, LiveLinear? Live, Layer Layer)> _head;

    public PackedNetwork(FoldedNetwork network, IReadOnlyList<nint>? live)
    {
        _layers = network.Layers;
        _stem = new(network[_layers.Stem], _memory, StemStep<TLanes, TVector, Stride1>.TapOrder(_layers.Stem.In));
        _blocks = [.. _layers.Blocks.Select(block => new PackedBlock(block, network, _memory))];
        _last = new(network[_layers.Last], _memory);
        _head =
        [
            .. _layers.Head.Select((layer, i) => live is null
                ? (new PackedLinear(network[layer], _memory), (LiveLinear?)null, layer)
                : ((PackedLinear?)null, new LiveLinear(network[layer], layer.In, (float*)live[i], _memory), layer)),
        ];
    }

    public override long WeightBytes => _memory.Floats * sizeof(float);

    public override NetworkPlan Plan(MapSize image, int threads, ImmutableArray<int> maps)
    {
        var plan = new PlanBuilder<TLanes, TVector>(_layers, image, threads, maps);
        plan.Stem(_stem);
        foreach (var block in _blocks) plan.Block(block);
        plan.Last(_last);
        foreach (var (packed, live, layer) in _head) plan.Linear(packed, live, layer);
        return plan.Build();
    }
}
