using static TorchSharp.torch;

namespace XSepConv.Core.Tests.BadInput;

/// <summary>What blocks can't be built from: each problem names the argument, its value and what would be right.</summary>
public class ConstructorTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(257)]
    [InlineData(int.MaxValue)]
    public void Even_non_positive_and_absurd_kernels(int kernel)
    {
        Mentions<ArgumentException>(() => new XSepBlock(kernel, 8, 16, 8, PaddingDirection.LeftTop), $"kernel is {kernel}", "odd");
        Mentions<ArgumentException>(() => new DwBlock(kernel, 8, 16, 8), $"kernel is {kernel}", "odd");
        var e = Mentions<ArgumentOutOfRangeException>(() => new XSepConv2d(8, kernel), "odd");
        Assert.Equal(("kernelSize", kernel), (e.ParamName, e.ActualValue));
        Mentions<ArgumentException>(() => new XSepMobileNetV3Small(new MobileNetV3Options { Kernels = [kernel] }), $"the kernel size is {kernel}", "odd, from 3 to 63");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(3)]
    public void Strides_other_than_1_and_2(int stride)
    {
        Mentions<ArgumentException>(() => new XSepBlock(3, 8, 16, 8, PaddingDirection.LeftTop, stride: stride), $"stride is {stride}", "1 or 2");
        Mentions<ArgumentException>(() => new DwBlock(3, 8, 16, 8, stride: stride), $"stride is {stride}", "1 or 2");
        var e = Mentions<ArgumentOutOfRangeException>(() => new XSepConv2d(8, 3, stride), "1 or 2");
        Assert.Equal(("stride", stride), (e.ParamName, e.ActualValue));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-8)]
    [InlineData(65_537)]
    public void No_negative_and_absurd_numbers_of_channels(int channels)
    {
        Mentions<ArgumentException>(() => new XSepBlock(3, channels, 16, 8, PaddingDirection.LeftTop), $"in is {channels}", "from 1 to");
        Mentions<ArgumentException>(() => new XSepBlock(3, 8, channels, 8, PaddingDirection.LeftTop), $"expand is {channels}", "from 1 to");
        Mentions<ArgumentException>(() => new DwBlock(3, 8, 16, channels), $"out is {channels}", "from 1 to");
        Assert.Equal("channels", Mentions<ArgumentOutOfRangeException>(() => new XSepConv2d(channels, 3), $"{channels}").ParamName);
        Assert.Equal("channels", Mentions<ArgumentOutOfRangeException>(() => new SeModule(channels), $"{channels}").ParamName);
        Mentions<ArgumentException>(() => new XSepMobileNetV3Small(new MobileNetV3Options { InputChannels = channels }), $"input channels is {channels}");
    }

    [Fact]
    public void Squeeze_excite_that_would_have_no_channels_inside()
    {
        Mentions<ArgumentException>(() => new XSepBlock(3, 8, 3, 8, PaddingDirection.LeftTop), "at least 4 channels, it has 3");
        Mentions<ArgumentException>(() => new DwBlock(3, 8, 16, 3), "at least 4 channels, it has 3");
        foreach (var reduction in new[] { 0, -4, 9 })
        {
            Assert.Equal("reduction", Mentions<ArgumentOutOfRangeException>(() => new SeModule(8, reduction), $"{reduction}", "8 channels").ParamName);
        }
    }

    [Fact]
    public void Unknown_enum_values()
    {
        Mentions<ArgumentOutOfRangeException>(() => new XSepBlock(3, 8, 16, 8, (PaddingDirection)5), "RightBottom");
        Mentions<ArgumentOutOfRangeException>(() => new XSepBlock(3, 8, 16, 8, PaddingDirection.LeftTop, placement: (PaddingPlacement)2), "AfterExpand");
        Mentions<ArgumentException>(() => new XSepBlock(3, 8, 16, 8, PaddingDirection.LeftTop, (Activation)99), "activation is 99, known are ReLU, HSwish, ReLU6 and SiLU");
        Mentions<ArgumentOutOfRangeException>(() => new XSepConv2d(8, 3, padding: (PaddingDirection)(-1)), "RightBottom");
        Mentions<ArgumentOutOfRangeException>(() => new XSepConv2d(8, 3, activation: (Activation)99), "Activation 99 is unknown", "ReLU");
        Mentions<ArgumentException>(() => new DwBlock(3, 8, 16, 8, squeezeExcite: (SqueezeExcite)3), "squeeze-excite is 3");
    }

    [Fact]
    public void A_row_of_the_other_kind_and_no_row()
    {
        BlockSpec dw = new(BlockKind.Dw, 3, 8, 16, 8, Activation.ReLU, SqueezeExcite.None, 1), xsep = dw with { Kind = BlockKind.XSep };
        Mentions<ArgumentException>(() => new XSepBlock(dw, PaddingDirection.LeftTop), "kind is Dw, this block is XSep");
        Mentions<ArgumentException>(() => new DwBlock(xsep), "kind is XSep, this block is Dw");
        Mentions<ArgumentException>(() => new XSepBlock(xsep with { SqueezeExcite = SqueezeExcite.Output }, PaddingDirection.LeftTop), "not on the output");
        Assert.Equal("block", Assert.Throws<ArgumentNullException>(() => new DwBlock((BlockSpec)null!)).ParamName);
        Assert.Equal("spec", Assert.Throws<ArgumentNullException>(() => new MobileNet(null!)).ParamName);
    }

    [Fact]
    public void All_problems_of_a_block_and_of_a_network_are_in_one_error()
    {
        Mentions<ArgumentException>(
            () => new XSepBlock(4, 0, -1, 70_000, PaddingDirection.LeftTop, stride: 3), "kernel is 4", "in is 0", "expand is -1", "out is 70000", "stride is 3");
        Mentions<ArgumentException>(
            () => new XSepMobileNetV3Small(new MobileNetV3Options { NumClasses = -1, Width = 0, Dropout = 2, Kernels = [2] }),
            "classes is -1", "width multiplier is 0", "dropout is 2", "the kernel size is 2");
    }

    [Fact]
    public void A_constructor_that_throws_leaves_no_tensor()
    {
        Assert.Throws<ArgumentException>(() => new XSepBlock(4, 8, 16, 8, PaddingDirection.LeftTop));
        Finalisers.Run();
        var before = Tensor.TotalCount;
        for (var i = 0; i < 20; i++) Assert.Throws<ArgumentException>(() => new XSepBlock(4, 8, 16, 8, PaddingDirection.LeftTop));
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static TException Mentions<TException>(Func<nn.Module> create, params string[] parts)
        where TException : ArgumentException
    {
        var e = Assert.Throws<TException>(() => create().Dispose());
        Assert.All(parts, part => Assert.Contains(part, e.Message));
        return e;
    }
}
