using System.Text.Json;
using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Parity;

/// <summary>The operator alone, as cases describe it.</summary>
internal sealed record OperatorSpec(int Channels, int Kernel, int Stride, Activation Activation, PaddingDirection Padding);

/// <summary>A block, an operator or a network to compare with PyTorch, in the JSON form that both sides read.</summary>
internal sealed record ParityCase
{
    public required string Name { get; init; }

    /// <summary>Shape of the input, [N, C, H, W].</summary>
    public required long[] Input { get; init; }

    public BlockSpec? Block { get; init; }

    public PaddingDirection? Padding { get; init; }

    public PaddingPlacement Placement { get; init; }

    public OperatorSpec? Operator { get; init; }

    public NetworkSpec? Network { get; init; }

    /// <summary>In front of the names from which weights and inputs are derived.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>How far PyTorch's own float32 run is from float64.</summary>
    public Dictionary<string, double> Float32Errors { get; init; } = [];

    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        IgnoreReadOnlyProperties = true,
    };

    /// <summary>The module, filled.</summary>
    public nn.Module<Tensor, Tensor> Build(ScalarType dtype)
    {
        var module = BuildEmpty(dtype);
        DerivedTensors.Fill(module, Prefix);
        return module;
    }

    public nn.Module<Tensor, Tensor> BuildEmpty(ScalarType dtype) => this switch
    {
        { Network: { } network } => new MobileNet(network, dtype: dtype),
        { Operator: { } o } => new XSepConv2d(o.Channels, o.Kernel, o.Stride, o.Padding, o.Activation, dtype: dtype),
        { Block: { Kind: BlockKind.XSep } row } => new XSepBlock(row, Padding!.Value, Placement, dtype: dtype),
        { Block: { Kind: BlockKind.Sep } row } => new SepBlock(row, dtype: dtype),
        { Block: { Kind: BlockKind.InvertedResidual } row } => new InvertedResidualBlock(row, dtype: dtype),
        { Block: { Kind: BlockKind.XSepInvertedResidual } row } => new XSepInvertedResidualBlock(row, Padding!.Value, Placement, dtype: dtype),
        { Block: { } row } => new DwBlock(row, dtype: dtype),
        _ => throw new InvalidDataException($"Case {Name} describes nothing."),
    };

    public Tensor DeriveInput() => DerivedTensors.Derive($"{Prefix}/input", Input, -2, 2);

    public Tensor DeriveWeighting(ReadOnlySpan<long> outputShape) => DerivedTensors.Derive($"{Prefix}/weighting", outputShape, -1, 1);

    public override string ToString() => JsonSerializer.Serialize(this, Json);
}
