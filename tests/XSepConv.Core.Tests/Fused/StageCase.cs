using TorchSharp.Modules;
using XSepConv.Layers;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>Where a map's elements lie: views of a larger tensor, which gradients have to find their way back to.</summary>
internal enum MapLayout
{
    Contiguous,
    Offset,
    ChannelSlice,
    ChannelsLast,
    Transposed,
    EverySecondColumn,
}

/// <summary>What a stage is tried on. Without a padding it is the depthwise stage, with one the XSepConv stage.</summary>
internal sealed record StageCase(int Batch, int Channels, int Height, int Width, int Kernel, int Stride, Activation Activation, PaddingDirection? Padding)
{
    private const int MostValues = 24_000;
    private static readonly int[] NetworkChannels = [16, 72, 88, 96, 120, 144, 240, 288, 576];

    /// <summary>The map has the 2×2's row and column already, as with <see cref="PaddingPlacement.BeforeExpand"/>.</summary>
    public bool Padded { get; init; }

    /// <summary>The nonlinearity follows the last batch norm.</summary>
    public bool Activated { get; init; }

    public MapLayout Layout { get; init; }

    public bool IsXSep => Padding is not null;

    /// <summary>Draws one from a seed: any kernel, stride, padding, placement and layout; any batch to 40, channels to 50 and the network's, sides to 33.</summary>
    public static StageCase Draw(int seed, bool xsep)
    {
        var draw = new Random(seed);
        int[] size =
        [
            draw.Next(1, 41), draw.Next(6) == 0 ? NetworkChannels[draw.Next(NetworkChannels.Length)] : draw.Next(1, 51), draw.Next(1, 34), draw.Next(1, 34),
        ];

        // One size stays as large as it was drawn; the others give way where all of them are too much for a test.
        var kept = draw.Next(4);
        while (size.Aggregate(1L, (product, n) => product * n) > MostValues)
        {
            var i = draw.Next(4);
            if (i != kept) size[i] = (size[i] + 1) / 2;
        }

        var stride = draw.Next(1, 3);
        if (size[0] * ((size[2] + stride - 1) / stride) * ((size[3] + stride - 1) / stride) < 2) size[0] = 2;
        return new(
            size[0], size[1], size[2], size[3], 1 + (2 * draw.Next(6)), stride, (Activation)draw.Next(4), xsep ? (PaddingDirection)draw.Next(5) : null)
        {
            Padded = xsep && draw.Next(3) == 0,
            Activated = draw.Next(2) == 0,
            Layout = (MapLayout)draw.Next(6),
        };
    }

    public override string ToString() =>
        $"{Batch}×{Channels}×{Height}×{Width}, K = {Kernel}, stride {Stride}, {Activation}, {Padding}, padded {Padded}, activated {Activated}, {Layout}";

    public IReadOnlyList<(Conv2d Conv, BatchNorm2d Norm)> Layers(ScalarType type)
    {
        var shape = BlockShape.Of(IsXSep ? BlockKind.XSep : BlockKind.Dw);
        return [.. SpatialLayers.Of(shape, Channels, Kernel, Stride, Activation, Activation).Select(layer => LayerModules.Of(layer, null, type))];
    }

    /// <summary>The stage over layers of <see cref="Layers"/>, run as its module does.</summary>
    public Func<Tensor, Tensor> Stage(IReadOnlyList<(Conv2d Conv, BatchNorm2d Norm)> layers, XSepBackend backend)
    {
        if (!IsXSep)
        {
            var depthwise = new DepthwiseStage(layers[0].Conv, layers[0].Norm, Activation) { Backend = backend };
            return x => depthwise.Forward(MapCheck.Require(x, Channels, layers[0].Conv.weight, "test"), Activated);
        }

        var xsep = new XSepStage(
            layers[0].Conv, layers[0].Norm, layers[1].Conv, layers[1].Norm, layers[2].Conv, layers[2].Norm, Padding!.Value, Activation)
        { Backend = backend };
        return x => xsep.Forward(MapCheck.Require(x, Channels, layers[0].Conv.weight, "test"), Padded, Activated);
    }

    /// <summary>A leaf and, of it, the map in this case's layout.</summary>
    public Tensor Map(Tensor leaf) => Layout switch
    {
        MapLayout.Offset => leaf.narrow(0, 1, Batch),
        MapLayout.ChannelSlice => leaf.narrow(1, 2, Channels),
        MapLayout.ChannelsLast => leaf.permute(0, 3, 1, 2),
        MapLayout.Transposed => leaf.transpose(2, 3),
        MapLayout.EverySecondColumn => leaf.slice(3, 0, leaf.shape[3], 2),
        _ => leaf,
    };

    /// <summary>Of what shape the leaf is.</summary>
    public long[] LeafShape()
    {
        var border = Padded ? 1 : 0;
        var (height, width) = (Height + border, Width + border);
        return Layout switch
        {
            MapLayout.Offset => [Batch + 1, Channels, height, width],
            MapLayout.ChannelSlice => [Batch, Channels + 3, height, width],
            MapLayout.ChannelsLast => [Batch, height, width, Channels],
            MapLayout.Transposed => [Batch, Channels, width, height],
            MapLayout.EverySecondColumn => [Batch, Channels, height, 2 * width],
            _ => [Batch, Channels, height, width],
        };
    }

    /// <summary>Whether a nonlinearity follows a batch norm.</summary>
    public bool IsActivated(int norm) => Activated || (IsXSep && norm < 2);
}
