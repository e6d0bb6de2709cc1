using static XSepConv.BlockKind;
using static XSepConv.SqueezeExcite;

namespace XSepConv.Training.Tests;

/// <summary>Tests that use Torch run one after the other: its generator, threads and tensor counts are the process's.</summary>
[CollectionDefinition(Name)]
public sealed class TorchTests
{
    public const string Name = "Torch";

    /// <summary>A network of every kind of block that trains in milliseconds, with dropout, so that Torch's generator matters.</summary>
    public static NetworkSpec Spec(int classes = 10, int channels = 3) => new()
    {
        Name = "tiny",
        InputChannels = channels,
        NumClasses = classes,
        StemChannels = 8,
        StemStride = 2,
        Blocks =
        [
            new(Dw, 3, 8, 16, 8, Activation.ReLU, Output, 2),
            new(XSep, 5, 8, 24, 16, Activation.HSwish, Expanded, 1),
            new(XSep, 3, 16, 32, 16, Activation.HSwish, None, 1),
        ],
        LastChannels = 32,
        HiddenFeatures = 32,
        Dropout = 0.1,
    };
}
