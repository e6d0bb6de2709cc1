using System.Collections.Immutable;
using XSepConv.Kernels;
using XSepConv.Layers;

namespace XSepConv.Inference;

/// <summary>Puts a network's steps together and decides where their maps are kept.</summary>
internal sealed class PlanBuilder<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    // A map up to this size is kept for every image, so that weights are read once for all of them; larger ones pass from step to step in
    // cache.
    private const long LargestShared = 12 * 1024;

    private readonly List<ImmutableArray<MapStep>> _segments = [];
    private readonly List<MapStep> _steps = [];
    private readonly List<FeatureStep> _features = [];
    private readonly long[] _slots = new long[ImageMaps.SlotCount];
    private readonly List<long> _featureFloats = [];
    private readonly NetworkLayers _layers;
    private readonly Dictionary<Layer, (long Height, long Width)> _sizes;
    private readonly MapSize _image;
    private readonly int _threads;
    private readonly ImmutableArray<int> _maps;
    private readonly List<long> _outputFloats = [];
    private int _part;
    private MapSize _size;
    private Slot _map;
    private long _scratch;

    public PlanBuilder(NetworkLayers layers, MapSize image, int threads, ImmutableArray<int> maps)
    {
        (_layers, _image, _threads, _maps) = (layers, image, threads, maps);
        _sizes = Layer.Sizes(layers.All, (image.Height, image.Width));
    }

    public void Stem(PackedPointwise packed)
    {
        var layer = _layers.Stem;
        _size = Size(layer);
        _map = Keep(Next(packed.Blocks), packed.Blocks);
        var activation = ActivationOf(layer);
        MapStep step = layer.Stride.Height == 1
            ? new StemStep<TLanes, TVector, Stride1>(packed, layer.In, _image, activation, _map)
            : new StemStep<TLanes, TVector, Stride2>(packed, layer.In, _image, activation, _map);
        Add(step, layer.Name, layer);
        EndPart(layer.Out);
    }

    public void Block(PackedBlock block)
    {
        if (HasAllMaps) return;
        var layers = block.Layers;
        var output = Size(layers.Spatial[^1]);
        Keep(Slot.Middle, BlocksOf(layers.Spec.Expand), output);
        IEnumerable<Layer> together = layers.Expand is { } expand ? layers.Spatial.Prepend(expand) : layers.Spatial;
        Add(Spatial(block), string.Join(" + ", together.Select(layer => layer.Name)), together);
        _size = output;
        var gate = layers.SqueezeExcite?.Gate;
        var gatesOutput = gate is not null && gate.From == layers.Project;
        if (gate is not null && !gatesOutput) SqueezeExcitation(block, Slot.Middle, null);

        var from = _map;
        var to = Keep(Next(block.Project.Blocks), block.Project.Blocks);
        Slot? residual = layers.Add is null ? null : from;
        if (block.Shortcut is { } shortcut && !gatesOutput)
        {
            AddPointwise(shortcut, layers.Shortcut!, from, to, null);
            residual = to;
        }

        AddPointwise(block.Project, layers.Project, Slot.Middle, to, gatesOutput ? null : residual);
        if (gatesOutput)
        {
            if (block.Shortcut is { } late)
            {
                // The map before the projection is not needed any more.
                residual = Keep(Slot.Middle, late.Blocks);
                AddPointwise(late, layers.Shortcut!, from, Slot.Middle, null);
            }

            SqueezeExcitation(block, to, residual);
        }

        _map = to;
        EndPart(layers.Spec.Out);
    }

    public void Last(PackedPointwise packed)
    {
        if (HasAllMaps) return;
        var layer = _layers.Last;
        if (!_maps.IsEmpty)
        {
            var to = Keep(Next(packed.Blocks), packed.Blocks);
            AddPointwise(packed, layer, _map, to, null);
            _map = to;
            EndPart(layer.Out);
            return;
        }

        _slots[(int)Slot.Features] = (long)packed.Blocks * TLanes.Count;
        _featureFloats.Add(_slots[(int)Slot.Features]);
        Add(new LastStep<TLanes, TVector>(packed, _size.Pixels, _map, ActivationOf(layer)), layer.Name, layer);
        EndSegment();
    }

    /// <summary>A linear layer, packed or with weights that are read where they lie.</summary>
    public void Linear(PackedLinear? packed, LiveLinear? live, Layer layer)
    {
        if (!_maps.IsEmpty) return;
        var inputFloats = checked((int)_featureFloats[^1]);
        FeatureStep step = packed is not null
            ? new LinearStep<TLanes, TVector>(packed, inputFloats, ActivationOf(layer))
            : new LiveLinearStep<TLanes, TVector>(live!, inputFloats, ActivationOf(layer));
        (step.Name, step.Macs) = (layer.Name, Macs(layer));
        _features.Add(step);
        _featureFloats.Add((long)BlocksOf(layer.Out) * TLanes.Count);
    }

    public NetworkPlan Build() =>
        new([.. _segments], [.. _features], [.. _slots], [.. _featureFloats], [.. _outputFloats], _scratch);

    private bool HasAllMaps => !_maps.IsEmpty && _outputFloats.Count == _maps.Length;

    private static TileActivation ActivationOf(Layer layer) =>
        layer.Activation is { } activation ? ActivationTypes.OfTile(activation) : TileActivation.None;

    private static int BlocksOf(int channels) => BlockedMap.Blocks(channels, TLanes.Count);

    private MapSize Size(Layer layer) => new(checked((int)_sizes[layer].Height), checked((int)_sizes[layer].Width));

    private long Macs(params IEnumerable<Layer> layers) => layers.Sum(layer => layer.Macs(_sizes[layer]));

    private MapStep Spatial(PackedBlock block)
    {
        var (spec, layers) = (block.Layers.Spec, block.Layers);
        var (between, after) = (ActivationTypes.OfTile(spec.Activation), ActivationOf(layers.Spatial[^1]));
        if (block.Depthwise is { } depthwise)
        {
            return spec.Stride == 1
                ? new DepthwiseStep<TLanes, TVector, Stride1>(block.Expand, depthwise, spec, _size, _map, between, after, _threads)
                : new DepthwiseStep<TLanes, TVector, Stride2>(block.Expand, depthwise, spec, _size, _map, between, after, _threads);
        }

        var (first, two, horizontal, vertical) = (block.Expand, block.TwoByTwo, block.Horizontal!, block.Vertical!);
        var (from, expanded) = (_map, _size);
        if (layers.Pad is { } pad)
        {
            expanded = Size(pad);
            from = Keep(Slot.Padded, BlocksOf(spec.In), expanded);
            var padded = layers.Expand ?? layers.Spatial[0];
            Add(new PadStep(spec.In, TLanes.Count, _size, pad.Padding!.Value, _map), $"padding before {padded.Name}");
        }

        return new SeparatedStep<TLanes, TVector>(first, two, horizontal, vertical, spec, _size, expanded, from, between, after, _threads);
    }

    private void AddPointwise(PackedPointwise packed, Layer layer, Slot from, Slot to, Slot? residual) =>
        Add(
            new PointwiseStep<TLanes, TVector>(packed, _size.Pixels, from, to, residual, ActivationOf(layer), _threads), layer.Name, layer);

    private void SqueezeExcitation(PackedBlock block, Slot map, Slot? residual)
    {
        var (squeeze, excite) = (block.Squeeze!, block.Excite!);
        var (_, first, second, gate) = block.Layers.SqueezeExcite!;
        _slots[(int)Slot.Pooled] = Math.Max(_slots[(int)Slot.Pooled], (long)excite.Blocks * TLanes.Count);
        _slots[(int)Slot.Squeezed] = Math.Max(_slots[(int)Slot.Squeezed], (long)squeeze.Blocks * TLanes.Count);
        Add(new PoolStep<TLanes, TVector>(excite.Blocks, _size.Pixels, map), $"mean for {first.Name}");
        Add(new SqueezeStep<TLanes, TVector>(squeeze), first.Name, first);
        Add(new GateStep<TLanes, TVector>(excite, _size.Pixels, map, residual, ActivationOf(gate)), $"{second.Name} and its gate", second);
    }

    private void Add(MapStep step, string name, params IEnumerable<Layer> layers)
    {
        (step.Name, step.Macs) = (name, Macs(layers));
        _steps.Add(step);
        _scratch = Math.Max(_scratch, step.ScratchFloats);
    }

    private void EndPart(int channels)
    {
        var output = _maps.IndexOf(_part);
        if (output >= 0)
        {
            Add(new MapOutputStep<TLanes, TVector>(channels, _size.Pixels, _map, output), $"the map of {_layers.Part(_part).Name}");
            _outputFloats.Add((long)channels * _size.Pixels);
        }

        _part++;
        if (HasAllMaps || !NetworkPlan.IsLocal(_map)) EndSegment();
    }

    private void EndSegment()
    {
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
