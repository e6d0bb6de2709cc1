using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>A network's weights as the kernels of one vector width read them. Immutable.</summary>
internal abstract class PackedNetwork
{
    /// <summary>The width, as <see cref="KernelRegistry"/> names it.</summary>
    public required string Kernel { get; init; }

    public abstract int Lanes { get; }

    /// <summary>Bytes of the weights, with the zeros that fill vectors up.</summary>
    public abstract long WeightBytes { get; }

    /// <summary>Lays the steps out for images of one size.</summary>
    public abstract NetworkPlan Plan(MapSize image, int threads);

    /// <summary>Packs for the width of that name.</summary>
    public static PackedNetwork Create(FoldedNetwork network, string kernel) => kernel switch
    {
        "v512" when CanRun(Vector512.IsHardwareAccelerated) => new PackedNetwork<Lanes512, Vector512<float>>(network) { Kernel = kernel },
        "v256" when CanRun(Vector256.IsHardwareAccelerated) => new PackedNetwork<Lanes256, Vector256<float>>(network) { Kernel = kernel },
        "v128" when CanRun(Vector128.IsHardwareAccelerated) => new PackedNetwork<Lanes128, Vector128<float>>(network) { Kernel = kernel },
        "scalar" => new PackedNetwork<LanesScalar, float>(network) { Kernel = kernel },
        _ => throw new InvalidOperationException(
            $"{KernelRegistry.Variable} asks for the kernels \"{kernel}\", which this program was compiled without (IlcInstructionSet); leave it unset."),
    };

    // A program that was compiled ahead carries no emulated width: nobody wants one there, and it would be half of the program.
    private static bool CanRun(bool isAccelerated) => isAccelerated || RuntimeFeature.IsDynamicCodeSupported;
}

internal sealed class PackedNetwork<TLanes, TVector> : PackedNetwork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private readonly NetworkSpec _spec;
    private readonly WeightMemory _memory = new(TLanes.Count);
    private readonly PackedPointwise _stem;
    private readonly ImmutableArray<PackedBlock> _blocks;
    private readonly PackedPointwise _last;
    private readonly PackedLinear _hidden;
    private readonly PackedLinear _classifier;

    public PackedNetwork(FoldedNetwork network)
    {
        _spec = network.Spec;
        _stem = new(network.Stem, _memory, StemStep<TLanes, TVector, PlanarStep>.TapOrder(_spec.InputChannels));
        _blocks = [.. network.Blocks.Select(block => new PackedBlock(block, _spec.PaddingPlacement, _memory))];
        _last = new(network.Last, _memory);
        _hidden = new(network.Hidden, _memory);
        _classifier = new(network.Classifier, _memory);
    }

    public override int Lanes => TLanes.Count;

    public override long WeightBytes => _memory.Floats * sizeof(float);

    public override NetworkPlan Plan(MapSize image, int threads)
    {
        var plan = new PlanBuilder<TLanes, TVector>(threads);
        var activation = ActivationTypes.OfTile(_spec.Activation);
        plan.Stem(_stem, _spec.InputChannels, image, _spec.StemStride, activation);
        foreach (var block in _blocks) plan.Block(block);
        plan.Last(_last, activation);
        plan.Linear(_hidden, activation);
        plan.Linear(_classifier, TileActivation.None);
        return plan.Build();
    }
}

/// <summary>A block's packed layers.</summary>
internal sealed class PackedBlock
{
    public PackedBlock(FoldedBlock block, PaddingPlacement placement, WeightMemory memory)
    {
        Spec = block.Spec;
        Expand = new(block.Expand, memory);
        if (block.Padding is { } padding)
        {
            // On a map that has its border already, the 2×2 reads as if nothing were before it.
            if (placement == PaddingPlacement.BeforeExpand) PadBefore = padding;
            TwoByTwo = new(block.Spatial[0], PadBefore is null ? padding : PaddingDirection.RightBottom, memory);
        }

        if (Spec.Kind == BlockKind.Dw)
        {
            Depthwise = new(block.Spatial[0], memory);
        }
        else
        {
            Horizontal = new(block.Spatial[^2], memory);
            Vertical = new(block.Spatial[^1], memory);
        }

        if (block.SqueezeExcite is { } squeezeExcite)
        {
            Squeeze = new(squeezeExcite.Squeeze, memory);
            Excite = new(squeezeExcite.Excite, memory);
        }

        Project = new(block.Project, memory);
        if (block.Shortcut is { } shortcut) Shortcut = new(shortcut, memory);
    }

    public BlockSpec Spec { get; }

    /// <summary>Where the block's input is padded; null where its expanded map is, or nothing.</summary>
    public PaddingDirection? PadBefore { get; }

    public PackedPointwise Expand { get; }

    /// <summary>The K×K; a block without it has the 1×K and the K×1.</summary>
    public PackedDepthwise? Depthwise { get; }

    /// <summary>What XSepConv has before them.</summary>
    public PackedTwoByTwo? TwoByTwo { get; }

    public PackedDepthwise? Horizontal { get; }

    public PackedDepthwise? Vertical { get; }

    public PackedLinear? Squeeze { get; }

    public PackedLinear? Excite { get; }

    public PackedPointwise Project { get; }

    public PackedPointwise? Shortcut { get; }
}
