using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Fused;

/// <summary>Squeeze-excite of large maps, whose images have nearly the same means, beside float64 and torch's own float32.</summary>
public sealed class SqueezeMeanTests
{
    /// <summary>
    /// Means of 96×96 values of noise differ from image to image by a hundredth of the values' deviation, and the squeeze's norm makes that difference 1: a mean that is rounded
    /// beside its own size is wrong a hundred times as much after it. Torch rounds each value before it takes the mean, which evens out. The median over the seeds may be twice
    /// torch's distance; with rounded means it was 2.2 and 3.8 times with the first two rows.
    /// </summary>
    [Theory]
    [InlineData(BlockKind.Dw, SqueezeExcite.Expanded)]
    [InlineData(BlockKind.Dw, SqueezeExcite.Output)]
    [InlineData(BlockKind.Sep, SqueezeExcite.Expanded)]
    [InlineData(BlockKind.XSep, SqueezeExcite.Expanded)]
    [InlineData(BlockKind.InvertedResidual, SqueezeExcite.Expanded)]
    [InlineData(BlockKind.XSepInvertedResidual, SqueezeExcite.Expanded)]
    public void A_fused_block_is_as_near_to_float64_as_a_composed_one(BlockKind kind, SqueezeExcite squeeze)
    {
        using var thread = new OneThread();
        var quotients = new List<double>();
        for (var seed = 0; seed < 3; seed++)
        {
            using var scope = NewDisposeScope();
            random.manual_seed(seed);
            var block = new BlockCase(new(kind, 5, 8, 16, 8, Activation.HSwish, squeeze, 1), PaddingDirection.Symmetric, 8, 96, 96);
            var x = 1 + randn(block.Batch, 8, block.Height, block.Width);
            using var exact = block.Create(ScalarType.Float64);
            var expected = exact.call(x.to(ScalarType.Float64)).detach();
            quotients.Add(Distance(XSepBackend.Auto) / Distance(XSepBackend.Composed));

            double Distance(XSepBackend backend)
            {
                using var other = block.Create(ScalarType.Float32);
                StagePair.Copy(exact, other);
                other.SetXSepBackend(backend);
                return (other.call(x).to(ScalarType.Float64) - expected).norm().item<double>();
            }
        }

        TestContext.Current.SendDiagnosticMessage($"{kind}, {squeeze}: {string.Join(", ", quotients.Select(quotient => $"{quotient:0.0}"))}");
        Assert.InRange(quotients.Order().ElementAt(1), 0, 2);
    }
}
