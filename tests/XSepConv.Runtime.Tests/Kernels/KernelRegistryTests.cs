using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

public sealed class KernelRegistryTests
{
    [Fact]
    public void Every_width_is_available_widest_first() =>
        Assert.Equal(["v512", "v256", "v128", "scalar"], KernelRegistry.Available.Select(kernels => kernels.Name));

    [Fact]
    public void Accelerated_widths_are_those_of_the_processor_in_the_same_order()
    {
        Assert.Equal(KernelRegistry.Available.Where(kernels => kernels.IsAccelerated), KernelRegistry.Accelerated);
        Assert.Equal(System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated,
            KernelRegistry.Accelerated.Any(kernels => kernels.Name == "v512"));
        Assert.Equal(System.Runtime.Intrinsics.Vector256.IsHardwareAccelerated,
            KernelRegistry.Accelerated.Any(kernels => kernels.Name == "v256"));
        Assert.Equal("scalar", KernelRegistry.Accelerated[^1].Name);
    }

    [Theory]
    [InlineData("v512")]
    [InlineData("v256")]
    [InlineData("v128")]
    [InlineData("scalar")]
    public void A_name_forces_its_width(string name) => Assert.Equal(name, KernelRegistry.Choose(name).Name);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Without_a_name_the_first_accelerated_width_is_used(string? name) =>
        Assert.Same(KernelRegistry.Accelerated[0], KernelRegistry.Choose(name));

    [Theory]
    [InlineData("avx2")]
    [InlineData("V512")]
    [InlineData(" v512")]
    public void An_unknown_name_is_refused_and_the_known_ones_are_listed(string name)
    {
        var error = Assert.Throws<InvalidOperationException>(() => KernelRegistry.Choose(name));
        Assert.Contains($"XSEPCONV_KERNEL is \"{name}\"", error.Message, StringComparison.Ordinal);
        Assert.Contains("v512, v256, v128, scalar", error.Message, StringComparison.Ordinal);
    }
}
