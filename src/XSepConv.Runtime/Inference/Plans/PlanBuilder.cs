using System.Collections.Immutable;
using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>Puts a network's steps together and decides where their maps are kept.</summary>
internal sealed class PlanBuilder<TLanes, TVector>(int threads)
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    // A map up to this size is kept for every image, so that weights are read once for all of them; larger ones pass from step to step in cache.
    private const long LargestShared = 12 * 1024;

    private readonly List<ImmutableArray<MapStep>> _segments = [];
    private readonly List<MapStep> _steps = [];
    private readonly List<FeatureStep> _features = [];
    private readonly long[] _slots = new long[ImageMaps.SlotCount];
    private readonly List<long> _featureFloats = [];
    private MapSize _size;
    private Slot _map;
    private long _scratch;

    public void Stem(PackedPointwise layer, int channels, MapSize image, int stride, TileActivation activation)
    {
        _size = image.Strided(stride);
        _map = Keep(Next(layer.Blocks), layer.Blocks);
        var (name, macs) = (layer.Name, Macs(layer, _size.Pixels));
        Add(stride == 1
            ? new StemStep<TLanes, TVector, PlanarStep>(layer, channels, image, stride, activation, _map) { Name = name, Macs = macs }
            : new StemStep<TLanes, TVector, PlanarStep2>(layer, channels, image, stride, activation, _map) { Name = name, Macs = macs });
        EndSegment();
    }

    public void Block(PackedBlock block)
    {
        var spec = block.Spec;
        var input = _size;
        var output = input.Strided(spec.Stride);
        var activation = ActivationTypes.OfTile(spec.Activation);
        var gated = spec.SqueezeExcite == SqueezeExcite.Expanded;
        Keep(Slot.Middle, block.Expand.Blocks, output);
        Add(Spatial(block, activation, gated ? TileActivation.None : activation));
        _size = output;
        if (gated) SqueezeExcitation(block, Slot.Middle, null, activation);

        var from = _map;
        var to = Keep(Next(block.Project.Blocks), block.Project.Blocks);
        Slot? residual = spec.Stride == 1 ? from : null;
        var squeezedOutput = spec.SqueezeExcite == SqueezeExcite.Output;
        if (block.Shortcut is { } shortcut && !squeezedOutput)
        {
            Add(Pointwise(shortcut, from, to, null));
            residual = to;
        }

        Add(Pointwise(block.Project, Slot.Middle, to, squeezedOutput ? null : residual));
        if (squeezedOutput)
        {
            if (block.Shortcut is { } late)
            {
                // The map before the projection is not needed any more.
                residual = Keep(Slot.Middle, late.Blocks);
                Add(Pointwise(late, from, Slot.Middle, null));
            }

            SqueezeExcitation(block, to, residual, TileActivation.None);
        }

        _map = to;
        EndSegment();
    }

    public void Last(PackedPointwise layer, TileActivation activation)
    {
        _slots[(int)Slot.Features] = (long)layer.Blocks * TLanes.Count;
        _featureFloats.Add(_slots[(int)Slot.Features]);
        Add(new LastStep<TLanes, TVector>(layer, _size.Pixels, _map, activation) { Name = layer.Name, Macs = Macs(layer, _size.Pixels) });
        _segments.Add([.. _steps]);
    }

    public void Linear(PackedLinear layer, TileActivation activation)
    {
        _features.Add(new LinearStep<TLanes, TVector>(layer, checked((int)_featureFloats[^1]), activation) { Name = layer.Name, Macs = (long)layer.Inputs * layer.Outputs });
        _featureFloats.Add((long)layer.Blocks * TLanes.Count);
    }

    public NetworkPlan Build() => new([.. _segments], [.. _features], [.. _slots], [.. _featureFloats], _scratch);

    private static long Macs(PackedPointwise layer, int pixels) => (long)layer.Inputs * layer.Outputs * pixels;

    private MapStep Spatial(PackedBlock block, TileActivation between, TileActivation after)
    {
        var spec = block.Spec;
        var pixels = (long)_size.Pixels;
        var output = _size.Strided(spec.Stride);
        var macs = Macs(block.Expand, _size.Pixels);
        if (block.Depthwise is { } depthwise)
        {
            var name = $"{block.Expand.Name} + {depthwise.Name}";
            macs += (long)output.Pixels * spec.Kernel * spec.Kernel * spec.Expand;
            return spec.Stride == 1
                ? new DepthwiseStep<TLanes, TVector, BlockedStep>(block.Expand, depthwise, spec, _size, _map, between, after, threads) { Name = name, Macs = macs }
                : new DepthwiseStep<TLanes, TVector, BlockedStep2>(block.Expand, depthwise, spec, _size, _map, between, after, threads) { Name = name, Macs = macs };
        }

        var (two, horizontal, vertical) = (block.TwoByTwo, block.Horizontal!, block.Vertical!);
        var names = $"{block.Expand.Name} + {(two is null ? "" : $"{two.Name} + ")}{horizontal.Name} + {vertical.Name}";
        var (from, expanded) = (_map, _size);
        if (block.PadBefore is { } padding)
        {
            expanded = new(_size.Height + 1, _size.Width + 1);
            from = Keep(Slot.Padded, (spec.In + TLanes.Count - 1) / TLanes.Count, expanded);
            Add(new PadStep(spec.In, TLanes.Count, _size, padding, _map) { Name = $"padding before {block.Expand.Name}", Macs = 0 });
            macs = Macs(block.Expand, expanded.Pixels);
        }

        macs += (((two is null ? 0 : 4) * pixels) + ((long)spec.Kernel * _size.Height * output.Width) + ((long)spec.Kernel * output.Pixels)) * spec.Expand;
        return spec.Stride == 1
            ? new SeparatedStep<TLanes, TVector, BlockedStep>(block.Expand, two, horizontal, vertical, spec, _size, expanded, from, between, after, threads) { Name = names, Macs = macs }
            : new SeparatedStep<TLanes, TVector, BlockedStep2>(block.Expand, two, horizontal, vertical, spec, _size, expanded, from, between, after, threads) { Name = names, Macs = macs };
    }

    private PointwiseStep<TLanes, TVector> Pointwise(PackedPointwise layer, Slot from, Slot to, Slot? residual) =>
        new(layer, _size.Pixels, from, to, residual, threads) { Name = layer.Name, Macs = Macs(layer, _size.Pixels) };

    private void SqueezeExcitation(PackedBlock block, Slot map, Slot? residual, TileActivation activation)
    {
        var (squeeze, excite) = (block.Squeeze!, block.Excite!);
        _slots[(int)Slot.Pooled] = Math.Max(_slots[(int)Slot.Pooled], (long)excite.Blocks * TLanes.Count);
        _slots[(int)Slot.Squeezed] = Math.Max(_slots[(int)Slot.Squeezed], (long)squeeze.Blocks * TLanes.Count);
        Add(new PoolStep<TLanes, TVector>(excite.Blocks, _size.Pixels, map) { Name = $"mean for {squeeze.Name}", Macs = 0 });
        Add(new SqueezeStep<TLanes, TVector>(squeeze) { Name = squeeze.Name, Macs = (long)squeeze.Inputs * squeeze.Outputs });
        Add(new GateStep<TLanes, TVector>(excite, _size.Pixels, map, residual, activation) { Name = $"{excite.Name} and its gate", Macs = (long)excite.Inputs * excite.Outputs });
    }

    private void Add(MapStep step)
    {
        _steps.Add(step);
        _scratch = Math.Max(_scratch, step.ScratchFloats);
    }

    private void EndSegment()
    {
        if (NetworkPlan.IsLocal(_map)) return;
        _segments.Add([.. _steps]);
        _steps.Clear();
    }

    /// <summary>A place for a block's result, other than that of its input.</summary>
    private Slot Next(int blocks)
    {
        var shared = (long)blocks * TLanes.Count * _size.Pixels <= LargestShared;
        return shared
            ? _map == Slot.SharedA ? Slot.SharedB : Slot.SharedA
            : _map == Slot.LocalA ? Slot.LocalB : Slot.LocalA;
    }

    private Slot Keep(Slot slot, int blocks) => Keep(slot, blocks, _size);

    private Slot Keep(Slot slot, int blocks, MapSize size)
    {
        _slots[(int)slot] = Math.Max(_slots[(int)slot], (long)blocks * TLanes.Count * size.Pixels);
        return slot;
    }
}
