using XSepConv.Kernels;

namespace XSepConv.Tests;

/// <summary>The widths of vectors that are tested: all, or in a pass without some of the instructions those that are left.</summary>
internal static class Widths
{
    /// <summary>"accelerated": the widths that run emulated were tested in a pass where the processor had them, and take minutes.</summary>
    public const string Variable = "XSEPCONV_TEST_WIDTHS";

    private static readonly bool s_all = Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" => true,
        "accelerated" => false,
        var other => throw new InvalidOperationException($"{Variable} is \"{other}\"; it is accelerated, or unset."),
    };

    public static IReadOnlyList<StageKernels> Tested => s_all ? KernelRegistry.Available : KernelRegistry.Accelerated;

    public static IEnumerable<string> Names => Tested.Select(kernels => kernels.Name);

    /// <summary>On few shapes the narrowest vectors in every pass: XSEPCONV_KERNEL may ask for them where they are emulated.</summary>
    public static IReadOnlyList<StageKernels> TestedOnFewShapes { get; } =
        [.. KernelRegistry.Available.Where(kernels => kernels.Name == "v128" || Tested.Contains(kernels))];

    public static bool AreTested(string width) => Tested.Any(kernels => kernels.Name == width);
}
