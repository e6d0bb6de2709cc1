namespace XSepConv.Training.Tests.Comparison;

public sealed class ComparedNetworkTests
{
    [Fact]
    public void Each_choice_of_kernels_makes_a_pair_that_differs_in_the_operator_only()
    {
        var networks = ComparedNetwork.Twins(Build, [1], [[7], [31, 29, 27, 13]]);
        Assert.Equal(["xsep-k7", "depthwise-k7", "xsep-k31-29-27-13", "depthwise-k31-29-27-13"], networks.Select(network => network.Id));
        Assert.Equal("XSepConv K=31/29/27/13", networks[2].Label);
        Assert.Equal(["depthwise-k7", null, "depthwise-k31-29-27-13", null], networks.Select(network => network.Against));
        foreach (var (xsep, twin) in new[] { (networks[0].Spec, networks[1].Spec), (networks[2].Spec, networks[3].Spec) })
        {
            Assert.Equal(xsep.Blocks.Select(block => block with { Kind = BlockKind.Dw }), twin.Blocks);
        }

        Assert.Equal([31, 31, 29, 29, 27, 27, 13, 13], networks[3].Spec.Blocks.Select(block => block.Kernel));
        Assert.All(networks[1].Spec.Blocks, block => Assert.Equal(7, block.Kernel));
    }

    [Fact]
    public void Without_the_2x2_a_third_network_is_tested_against_the_same_twin()
    {
        var networks = ComparedNetwork.Twins(Build, [1], [[7], [9]], without2x2: true);
        Assert.Equal(["xsep-k7", "sep-k7", "depthwise-k7", "xsep-k9", "sep-k9", "depthwise-k9"], networks.Select(network => network.Id));
        Assert.Equal("depthwise-k9", networks[4].Against);
        Assert.Equal("no 2×2 K=9", networks[4].Label);
        Assert.Equal(3, networks.Select(network => network.Family).Distinct().Count());
        Assert.Equal(networks[3].Spec.Blocks.Select(block => block with { Kind = BlockKind.Sep }), networks[4].Spec.Blocks);
    }

    [Fact]
    public void The_ablation_takes_the_2x2_from_every_row_that_has_one()
    {
        var improved = LargeKernelSmallSpec.XSep(new() { Preset = ImagePreset.Cifar });
        var networks = ComparedNetwork.Paddings(improved).ToDictionary(network => network.Id, network => network.Spec);
        Assert.Equal(improved.Blocks.Select(block => block with { Kind = BlockKind.Sep }), networks["none"].Blocks);
        Assert.All(networks["right-bottom"].Paddings(), padding => Assert.Equal(PaddingDirection.RightBottom, padding));
        Assert.All(networks["symmetric"].Paddings(), padding => Assert.Equal(PaddingDirection.Symmetric, padding));

        // Eight layers that pad right and below, half a pixel each of maps whose pixels span 1, 2, 4 and 8 of the input: 23 halves.
        Assert.Equal([1, 1, 1, 2, 2, 4, 4, 8], improved.InputStrides());
        PaddingDirection[] plan = [.. networks["right-bottom"].Paddings().Select(padding => padding!.Value)];
        Assert.Equal((-11.5, -11.5), PaddingPlan.ResidualShift(plan, improved.InputStrides().AsSpan()));
        PaddingDirection[] cancelled = [.. improved.Paddings().Select(padding => padding!.Value)];
        Assert.Equal((0, 0), PaddingPlan.ResidualShift(cancelled, improved.InputStrides().AsSpan()));
    }

    [Fact]
    public void Each_width_makes_pairs_of_each_choice_of_kernels()
    {
        var networks = ComparedNetwork.Twins(Build, [0.5, 1], [[], [9]]);
        Assert.Equal(
            [
                "xsep-w0.5-table", "depthwise-w0.5-table", "xsep-w0.5-k9", "depthwise-w0.5-k9", "xsep-w1-table", "depthwise-w1-table",
                "xsep-w1-k9", "depthwise-w1-k9",
            ],
            networks.Select(network => network.Id));
        Assert.Equal("XSepConv ×0.5 K of the table", networks[0].Label);
        Assert.Equal("depthwise twin ×1 K=9", networks[7].Label);
        Assert.All(networks.Where(network => network.Against is not null), network => Assert.Contains(network.Against, networks.Select(other => other.Id)));

        // The table's largest stage has 31, and half the channels of width 1.
        Assert.Equal(31, networks[0].Spec.Blocks[0].Kernel);
        Assert.Equal(2 * networks[0].Spec.Blocks[^1].Out, networks[4].Spec.Blocks[^1].Out);
        Assert.All(networks[6].Spec.Blocks, block => Assert.Equal(9, block.Kernel));
    }

    private static (NetworkSpec XSep, NetworkSpec Depthwise) Build(double width, IReadOnlyList<int> kernels)
    {
        var options = new MobileNetV3Options { Kernels = kernels, Width = width };
        return (LargeKernelSmallSpec.XSep(options), LargeKernelSmallSpec.Twin(options));
    }
}
