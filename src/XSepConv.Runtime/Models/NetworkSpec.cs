using System.Collections.Immutable;
using System.Text.Json.Serialization;
using XSepConv.Layers;
using static System.FormattableString;

namespace XSepConv;

/// <summary>
/// A whole network as numbers: stem → the table of blocks → 1×1 convolution → global average pool → hidden linear layer (if any) →
/// classifier (if any).
/// </summary>
/// <remarks>
/// Immutable; equal specs describe equal networks. Any values can be put together, <see cref="Validate"/> says what is wrong with them, and
/// whatever works with a spec calls it first. Stored in every checkpoint (<see cref="ToJson"/>).
/// </remarks>
public sealed partial record NetworkSpec
{
    internal const int LargestKernel = 255;
    internal const int MostChannels = 65_536;
    internal const int MostBlocks = 1_024;
    internal const int MostClasses = 1_000_000;

    // With the stem's, a pixel of the last map spans 2²⁵ input pixels: more than any image has, and still an int.
    private const int MostHalvings = 24;

    /// <summary>The name of the network's design, such as <c>xsep-mobilenet-v3-small</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Channels of the input images [N, C, H, W].</summary>
    public int InputChannels { get; init; } = 3;

    /// <summary>
    /// How many classes the last layer tells apart; 0 for no such layer: then the network gives the features that it would get.
    /// </summary>
    public int NumClasses { get; init; } = 1000;

    /// <summary>
    /// Rows and columns of the square images it is laid out for, where nothing else says it: 32 where the stem keeps the size, as in the
    /// <see cref="ImagePreset.Cifar"/> preset, otherwise 224.
    /// </summary>
    public int DefaultImageSize => StemStride == 1 ? 32 : 224;

    /// <summary>Output channels of the stem, a 3×3 convolution → BN → act.</summary>
    public required int StemChannels { get; init; }

    /// <summary>Stride of the stem: 2, or 1 for small images.</summary>
    public int StemStride { get; init; } = 2;

    /// <summary>The table.</summary>
    public required ImmutableArray<BlockSpec> Blocks { get; init; }

    /// <summary>Output channels of the 1×1 convolution → BN → act after the last block.</summary>
    public required int LastChannels { get; init; }

    /// <summary>
    /// Features of the hidden linear layer → BN → act before the classifier; 0 for none, as in MobileNetV2: then the classifier gets the
    /// means of the last map.
    /// </summary>
    public required int HiddenFeatures { get; init; }

    /// <summary>Whether a batch norm follows the hidden layer, as in the notes; Howard et al. have none.</summary>
    [JsonIgnore]
    public bool HiddenNorm { get; init; } = true;

    [JsonInclude]
    [JsonPropertyName("hiddenNorm")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    internal bool? WrittenHiddenNorm
    {
        get => HiddenNorm ? null : false;
        init => HiddenNorm = value ?? true;
    }

    /// <summary>How many features the classifier gets: those of the hidden layer, or without one those of the last convolution.</summary>
    public int NumFeatures => HiddenFeatures > 0 ? HiddenFeatures : LastChannels;

    /// <summary>How many numbers the network gives for an image: logits, or without a classifier features.</summary>
    public int Outputs => NumClasses > 0 ? NumClasses : NumFeatures;

    /// <summary>
    /// The nonlinearity outside of the blocks: of the stem, the last convolution and the hidden layer. Each row has its own.
    /// </summary>
    [JsonIgnore]
    public Activation Activation { get; init; } = Activation.HSwish;

    // Left out where it is MobileNetV3's: files that were written before there was a choice stay as they are.
    [JsonInclude]
    [JsonPropertyName("activation")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    internal Activation? WrittenActivation
    {
        get => Activation == Activation.HSwish ? null : Activation;
        init => Activation = value ?? Activation.HSwish;
    }

    /// <summary>What the batch norms add to a variance; torch's default at first.</summary>
    [JsonIgnore]
    public double NormEpsilon { get; init; } = ModuleSettings.DefaultEpsilon;

    /// <summary>The share of a batch in the batch norms' running statistics; torch's default at first.</summary>
    [JsonIgnore]
    public double NormMomentum { get; init; } = ModuleSettings.DefaultMomentum;

    [JsonInclude]
    [JsonPropertyName("normEpsilon")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    internal double? WrittenNormEpsilon
    {
        get => NormEpsilon == ModuleSettings.DefaultEpsilon ? null : NormEpsilon;
        init => NormEpsilon = value ?? ModuleSettings.DefaultEpsilon;
    }

    [JsonInclude]
    [JsonPropertyName("normMomentum")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    internal double? WrittenNormMomentum
    {
        get => NormMomentum == ModuleSettings.DefaultMomentum ? null : NormMomentum;
        init => NormMomentum = value ?? ModuleSettings.DefaultMomentum;
    }

    /// <summary>Probability of dropout before the classifier, in [0, 1).</summary>
    public double Dropout { get; init; }

    /// <summary>Where XSep rows pad.</summary>
    public PaddingPlacement PaddingPlacement { get; init; }

    /// <summary>How the 2×2 layers' paddings are chosen; <see cref="PaddingStrategy.Improved"/>, the paper's, at first.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public PaddingStrategy PaddingStrategy { get; init; }

    /// <summary>
    /// The padding of each block's 2×2, by <see cref="PaddingStrategy"/>: the improved one is <see cref="PaddingPlan.ForStages"/> over the
    /// resolutions; null in a row without a 2×2.
    /// </summary>
    /// <exception cref="ArgumentException">The spec is not valid; see <see cref="Validate"/>.</exception>
    public ImmutableArray<PaddingDirection?> Paddings()
    {
        var strides = InputStrides();
        var counts = new List<int>();
        for (var i = 0; i < Blocks.Length; i++)
        {
            if (i == 0 || strides[i] != strides[i - 1]) counts.Add(0);
            if (Blocks[i].HasTwoByTwo) counts[^1]++;
        }

        ImmutableArray<PaddingDirection> plan = PaddingStrategy switch
        {
            PaddingStrategy.Improved => PaddingPlan.ForStages([.. counts]),
            PaddingStrategy.Symmetric => [.. Enumerable.Repeat(PaddingDirection.Symmetric, counts.Sum())],
            PaddingStrategy.RightBottom => [.. Enumerable.Repeat(PaddingDirection.RightBottom, counts.Sum())],
            _ => throw EnumValues.Unknown(PaddingStrategy),
        };
        var next = 0;
        return [.. Blocks.Select(block => block.HasTwoByTwo ? plan[next++] : (PaddingDirection?)null)];
    }

    /// <summary>
    /// For each block, how many input pixels one pixel of its input map spans (the 2×2 of XSepConv runs there, whatever its stride).
    /// </summary>
    /// <exception cref="ArgumentException">The spec is not valid; see <see cref="Validate"/>.</exception>
    public ImmutableArray<int> InputStrides()
    {
        Validate();
        var strides = ImmutableArray.CreateBuilder<int>(Blocks.Length);
        var stride = StemStride;
        foreach (var block in Blocks)
        {
            strides.Add(stride);
            stride *= block.Stride;
        }

        return strides.MoveToImmutable();
    }

    /// <summary>
    /// The same network without the 2×2 of its XSep rows: they become <see cref="BlockKind.Sep"/>, 1×K and K×1 only, and its name ends in
    /// <c>-without-2x2</c>. Not the paper's operator. A network without such a row is returned as it is.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// A row is <see cref="BlockKind.XSepInvertedResidual"/>, for which there is no kind without the 2×2.
    /// </exception>
    public NetworkSpec WithoutTwoByTwo()
    {
        if (Blocks.IsDefault || !Blocks.Any(block => block is { HasTwoByTwo: true })) return this;
        if (Blocks.Any(block => block is { Kind: not BlockKind.XSep, HasTwoByTwo: true }))
        {
            throw new InvalidOperationException(
                $"The network {Name} has rows of {nameof(BlockKind.XSepInvertedResidual)}, which can't be without their 2×2.");
        }

        return this with
        {
            Name = $"{Name}-without-2x2",
            Blocks = [.. Blocks.Select(block => block is { Kind: BlockKind.XSep } ? block with { Kind = BlockKind.Sep } : block)],
        };
    }

    /// <summary>How many trainable values the network has, without building it.</summary>
    /// <exception cref="ArgumentException">The spec is not valid; see <see cref="Validate"/>.</exception>
    internal long ParameterCount() => NetworkLayers.Of(this).All.Sum(layer => layer.Parameters);

    /// <summary>Checks the whole spec.</summary>
    /// <returns>This spec.</returns>
    /// <exception cref="ArgumentException">
    /// Something is out of range, or a block does not take what the one before it gives; the first ten problems are listed and the rest
    /// counted.
    /// </exception>
    public NetworkSpec Validate()
    {
        string[] problems = [.. Problems()];
        return problems.Length == 0 ? this : throw CannotBeBuilt(Name, problems);
    }

    /// <inheritdoc/>
    public bool Equals(NetworkSpec? other) =>
        other is not null && Name == other.Name && InputChannels == other.InputChannels && NumClasses == other.NumClasses
        && StemChannels == other.StemChannels && StemStride == other.StemStride && LastChannels == other.LastChannels
        && HiddenFeatures == other.HiddenFeatures && HiddenNorm == other.HiddenNorm
        && Dropout.Equals(other.Dropout) && PaddingPlacement == other.PaddingPlacement
        && PaddingStrategy == other.PaddingStrategy && Activation == other.Activation
        && NormEpsilon.Equals(other.NormEpsilon) && NormMomentum.Equals(other.NormMomentum)
        && Blocks.AsSpan().SequenceEqual(other.Blocks.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() =>
        HashCode.Combine(Name, InputChannels, NumClasses, StemChannels, LastChannels, HiddenFeatures, Blocks.AsSpan().Length);

    internal static ArgumentException CannotBeBuilt(string? name, IEnumerable<string> problems) =>
        new($"The network {SafeTensorsHeader.Quote(name)} can't be built: {Listing.Of(problems)}.");

    internal IEnumerable<string> Problems()
    {
        if (string.IsNullOrWhiteSpace(Name)) yield return "name is empty";
        foreach (var (name, value, least, most) in new[]
        {
            ("input channels", InputChannels, 1, MostChannels), ("classes", NumClasses, 0, MostClasses),
            ("stem channels", StemChannels, 1, MostChannels), ("last channels", LastChannels, 1, MostChannels),
            ("hidden features", HiddenFeatures, 0, MostChannels),
        })
        {
            if (value < least || value > most) yield return Invariant($"{name} is {value}, it must be from {least} to {most:N0}");
        }

        if (StemStride is not (1 or 2)) yield return $"stem stride is {StemStride}, it must be 1 or 2";
        if (!(Dropout is >= 0 and < 1)) yield return Invariant($"dropout is {Dropout}, it must be at least 0 and below 1");
        if (!(NormEpsilon is >= 0 and <= 1)) yield return Invariant($"norm epsilon is {NormEpsilon}, it must be from 0 to 1");
        if (!(NormMomentum is >= 0 and <= 1)) yield return Invariant($"norm momentum is {NormMomentum}, it must be from 0 to 1");
        if (EnumValues.Problem("activation", Activation) is { } activation) yield return activation;
        if (EnumValues.Problem("padding placement", PaddingPlacement) is { } placement) yield return placement;
        if (EnumValues.Problem("padding strategy", PaddingStrategy) is { } strategy) yield return strategy;
        if (Blocks.IsDefaultOrEmpty || Blocks.Length > MostBlocks)
        {
            yield return Invariant($"there are {(Blocks.IsDefault ? 0 : Blocks.Length)} blocks, it must be from 1 to {MostBlocks:N0}");
            yield break;
        }

        if (Blocks.Count(block => block?.Stride == 2) is > MostHalvings and var halvings)
        {
            yield return $"{halvings} blocks have stride 2, at most {MostHalvings} may";
        }

        var channels = StemChannels;
        for (var i = 0; i < Blocks.Length; i++)
        {
            if (Blocks[i] is not { } block)
            {
                yield return $"block {i} is missing";
                yield break;
            }

            foreach (var problem in block.Problems()) yield return $"block {i}: {problem}";
            if (block.In != channels)
            {
                yield return $"block {i}: in is {block.In}, but {(i == 0 ? "the stem" : $"block {i - 1}")} gives {channels} channels";
            }

            channels = block.Out;
        }
    }
}
