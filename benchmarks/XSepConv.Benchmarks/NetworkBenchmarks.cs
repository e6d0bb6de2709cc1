using BenchmarkDotNet.Attributes;

namespace XSepConv.Benchmarks;

/// <summary>
/// Networks that differ in the spatial operator of six rows, and in who computes: the depthwise one on libtorch's operators, as a user
/// would have it without this library, XSepConv's on our kernels. <c>ratios</c> sets either network on either.
/// </summary>
public class NetworkBenchmarks : TorchBenchmark
{
    internal const string Description =
        "XSepMobileNetV3-Small on our kernels against libtorch's: the same table with K×K depthwise convolutions in place of XSepConv, all "
        + "of it on libtorch's operators. float32. "
        + "Forward: evaluation mode without gradients. Forward + backward: training mode, gradients of input and parameters.";

    /// <summary>A preset, its usual size, and how many images at once.</summary>
    public sealed record Work(ImagePreset Preset, int Classes, int Size, int Batch, Pass Pass)
    {
        public override string ToString() =>
            $"{Preset} {Size}×{Size}, batch {Batch}, {(Pass == Pass.Forward ? "forward" : "forward + backward")}";
    }

    public static IEnumerable<Work> Works =>
    [
        new(ImagePreset.Cifar, 10, 32, 1, Pass.Forward),
        new(ImagePreset.Cifar, 10, 32, 64, Pass.Forward),
        new(ImagePreset.Cifar, 10, 32, 64, Pass.ForwardBackward),
        new(ImagePreset.ImageNet, 1000, 224, 1, Pass.Forward),
    ];

    [ParamsSource(nameof(Devices), Priority = 0)]
    public string Device { get; set; } = "cpu";

    [ParamsSource(nameof(Works), Priority = 1)]
    public Work Case { get; set; } = Works.First();

    // libtorch's depthwise convolutions, what a user would have without this library.
    [GlobalSetup(Target = nameof(Depthwise))]
    public void SetUpDepthwise() => SetUp(MobileNetV3SmallSpec.Twin(Options), XSepBackend.Composed);

    [GlobalSetup(Target = nameof(XSep))]
    public void SetUpXSep() => SetUp(MobileNetV3SmallSpec.XSep(Options), XSepBackend.Auto);

    [Benchmark(Baseline = true)]
    public void Depthwise() => Step();

    [Benchmark]
    public void XSep() => Step();

    private MobileNetV3Options Options => new() { Preset = Case.Preset, NumClasses = Case.Classes };

    private void SetUp(NetworkSpec spec, XSepBackend backend)
    {
        var network = new MobileNet(spec);
        network.SetXSepBackend(backend);
        SetUp(network, Device, Case.Pass, Case.Batch, 3, Case.Size, Case.Size);
    }
}
