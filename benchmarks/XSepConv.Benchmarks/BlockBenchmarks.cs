using BenchmarkDotNet.Attributes;

namespace XSepConv.Benchmarks;

/// <summary>
/// Two blocks that differ in the spatial operator, and in who computes: the depthwise one on libtorch's operators, XSepConv's on our
/// kernels. No squeeze-excite, the same 1×1 convolutions and activations. <c>ratios</c> sets either operator on either.
/// </summary>
public class BlockBenchmarks : TorchBenchmark
{
    private const int In = 40, Expand = 240, Size = 14;

    internal static string Description =>
        "XSepConv's block on our kernels against the depthwise one on libtorch's operators. "
            + $"Blocks {In} → {Expand} → {In} channels on {Size}×{Size} maps, stride 1, hswish, no squeeze-excite (it is the same in both, "
            + "and needs two images to train). "
        + "float32. Forward: evaluation mode without gradients. Forward + backward: training mode, gradients of input and parameters.";

    [ParamsSource(nameof(Devices), Priority = 0)]
    public string Device { get; set; } = "cpu";

    [ParamsAllValues(Priority = 1)]
    public Pass Pass { get; set; }

    [Params(1, 32, Priority = 2)]
    public int Batch { get; set; }

    [Params(3, 5, 7, 9, Priority = 3)]
    public int Kernel { get; set; }

    // libtorch's depthwise convolution, what a user would have without this library.
    [GlobalSetup(Target = nameof(Depthwise))]
    public void SetUpDepthwise()
        => SetUp(
            new DwBlock(Kernel, In, Expand, In, Activation.HSwish, SqueezeExcite.None) { Backend = XSepBackend.Composed },
            Device, Pass, Batch, In, Size, Size);

    [GlobalSetup(Target = nameof(XSep))]
    public void SetUpXSep()
        => SetUp(
            new XSepBlock(Kernel, In, Expand, In, PaddingDirection.RightBottom, Activation.HSwish, squeezeExcite: false),
            Device, Pass, Batch, In, Size, Size);

    [Benchmark(Baseline = true)]
    public void Depthwise() => Step();

    [Benchmark]
    public void XSep() => Step();
}
