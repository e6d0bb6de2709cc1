using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

public sealed class EmbeddedWeightTests
{
    /// <summary>What CUDA runs: the sum has the same four products, and zeros.</summary>
    [Theory]
    [InlineData(PaddingDirection.RightBottom)]
    [InlineData(PaddingDirection.LeftTop)]
    [InlineData(PaddingDirection.LeftBottom)]
    [InlineData(PaddingDirection.RightTop)]
    [InlineData(PaddingDirection.Symmetric)]
    public void A3x3WithPaddingGivesWhatTheOneSided2x2Gives(PaddingDirection direction)
    {
        using var scope = NewDisposeScope();
        foreach (var (channels, height, width) in new[] { (1, 1, 1), (2, 3, 5), (7, 4, 2), (10, 5, 5) })
        {
            random.manual_seed(channels);
            var x = randn(2, channels, height, width, ScalarType.Float64);
            var weight = randn(channels, 1, 2, 2, ScalarType.Float64);
            var padded = nn.functional.conv2d(DirectionalPadding.Pad(x, direction), weight, groups: channels);
            var embedded = nn.functional.conv2d(x, DirectionalPadding.Embed(weight, direction), padding: [1, 1], groups: channels);
            Assert.Equal(padded.shape, embedded.shape);
            // Four products, in another order perhaps: a few units in the last place of values below 20.
            Assert.True((padded - embedded).abs().max().ToDouble() < 1e-14);
        }
    }
}
