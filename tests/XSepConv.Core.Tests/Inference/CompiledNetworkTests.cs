using XSepConv.Core.Tests.Parity;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Inference;

/// <summary>The compiled network against the module it comes from, run in float64.</summary>
public sealed class CompiledNetworkTests
{
    // Relative to the largest logit. A float32 sum of n terms is off by about √n · 6e-8 of their size; networks of a dozen layers gather some 1e-6,
    // and squeeze-excite and near-cancelling logits multiply that. The issue's bound.
    private const double Tolerance = 1e-4;

    private static readonly string[] Kernels = [.. KernelRegistry.Accelerated.Select(kernel => kernel.Name)];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 48)];

    public static TheoryData<BlockKind, PaddingPlacement, int> Variants =>
        new MatrixTheoryData<BlockKind, PaddingPlacement, int>(Enum.GetValues<BlockKind>(), Enum.GetValues<PaddingPlacement>(), [3, 5, 7, 9]);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_random_network_gives_the_modules_logits_at_every_width(int seed)
    {
        var (spec, height, width) = RandomNetworks.Spec(seed);
        Compare(spec, seed, height, width, batch: 1 + (seed % 3), Tolerance, neutral: false);
    }

    // The first three rows share a resolution, so that the third is padded symmetrically and blocks of channels mix directions; both strides, both
    // activations, every place of squeeze-excite.
    [Theory]
    [MemberData(nameof(Variants))]
    public void Every_variant_gives_the_modules_logits(BlockKind kind, PaddingPlacement placement, int kernel)
    {
        var gated = new[] { SqueezeExcite.None, SqueezeExcite.Expanded, kind == BlockKind.Dw ? SqueezeExcite.Output : SqueezeExcite.None };
        var rows = new List<BlockSpec>();
        var channels = 8;
        foreach (var (squeeze, i) in gated.Select((squeeze, i) => (squeeze, i)))
        {
            var activation = i == 1 ? Activation.ReLU : Activation.HSwish;
            rows.Add(new(kind, kernel, channels, 36, channels, activation, squeeze, 1));
            rows.Add(new(kind, kernel, channels, 20, 12 + i, activation, squeeze, 1));
            rows.Add(new(kind, kernel, 12 + i, 50, 18, activation, squeeze, i == 0 ? 2 : 1));
            channels = 18;
        }

        var spec = new NetworkSpec
        {
            Name = "variant",
            InputChannels = 3,
            NumClasses = 10,
            StemChannels = 8,
            StemStride = 2,
            Blocks = [.. rows],
            LastChannels = 40,
            HiddenFeatures = 30,
            PaddingPlacement = placement,
        };
        Compare(spec, kernel, 23, 30, batch: 2, Tolerance, neutral: false);
    }

    [Theory]
    [InlineData(false, ImagePreset.Cifar, 32, 1.0)]
    [InlineData(true, ImagePreset.Cifar, 28, 0.5)]
    [InlineData(false, ImagePreset.ImageNet, 96, 0.35)]
    public void The_networks_of_the_paper_give_the_modules_logits(bool twin, ImagePreset preset, int size, double width)
    {
        var options = new MobileNetV3Options { NumClasses = 10, Preset = preset, Width = width };
        Compare(twin ? MobileNetV3SmallSpec.Twin(options) : MobileNetV3SmallSpec.XSep(options), 7, size, size, batch: 2, Tolerance, neutral: false);
    }

    [Theory]
    [InlineData(MobileNetV3LargeSpec.XSepName, ImagePreset.Cifar, 32, 7)]
    [InlineData(MobileNetV3LargeSpec.TwinName, ImagePreset.ImageNet, 64, 7)]
    [InlineData(MobileNetV3LargeSpec.XSepName, ImagePreset.ImageNet, 96, 31, 29, 27, 13)]
    [InlineData(MobileNetV3SmallSpec.XSepName, ImagePreset.ImageNet, 224, 31, 29, 27, 13)]
    [InlineData(MobileNetV3SmallSpec.XSepName, ImagePreset.Cifar, 32, 63)]
    [InlineData(MobileNetV3SmallSpec.TwinName, ImagePreset.ImageNet, 64, 31, 29, 27, 13)]
    [InlineData(LargeKernelSmallSpec.XSepName, ImagePreset.ImageNet, 224)]
    [InlineData(LargeKernelSmallSpec.XSepName, ImagePreset.Cifar, 28)]
    [InlineData(LargeKernelSmallSpec.TwinName, ImagePreset.ImageNet, 64)]
    public void So_do_the_others_with_kernels_of_any_size(string name, ImagePreset preset, int size, params int[] sizes)
    {
        var options = new MobileNetV3Options { NumClasses = 10, Preset = preset, Width = 0.5, Kernels = sizes };
        Compare(NetworkCatalog.Build(name, options), 8, size, size, batch: 2, Tolerance, neutral: false);
    }

    // Where batch normalisation only adds, nothing is folded into the weights, and what is left is the kernels' own rounding.
    [Theory]
    [InlineData(100)]
    [InlineData(101)]
    [InlineData(102)]
    [InlineData(103)]
    [InlineData(104)]
    [InlineData(105)]
    public void Without_folded_weights_only_rounding_is_left(int seed)
    {
        var (spec, height, width) = RandomNetworks.Spec(seed);
        Compare(spec, seed, height, width, batch: 2, 2e-5, neutral: true);
    }

    [Fact]
    public void Compiling_takes_the_network_as_it_is_now_and_names_its_classes()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (spec, _, _) = RandomNetworks.Spec(1);
        using var network = RandomNetworks.Create(spec, 1);
        var data = new DataSpec("made", true, [.. Enumerable.Range(0, spec.NumClasses).Select(i => $"c{i}")], new double[spec.InputChannels], [.. Enumerable.Repeat(1.0, spec.InputChannels)], spec.InputChannels, 9, 8);
        var model = network.Compile(data);
        using var session = model.CreateSession();
        Assert.Equal((9, 8), (session.Height, session.Width));
        float[] pixels = randn(1, spec.InputChannels, 9, 8).data<float>().ToArray(), before = new float[spec.Outputs], after = new float[spec.Outputs];
        session.Run(pixels, before);
        foreach (var tensor in network.parameters()) tensor.zero_();
        session.Run(pixels, after);
        Assert.Equal(before, after);
        Assert.Throws<ArgumentException>(() => network.Compile(data with { Classes = [] }));

        // Bytes would become infinite, or the session end in the middle of them.
        foreach (var wrong in new[] { data with { Std = new double[spec.InputChannels] }, data with { Mean = [] }, data with { Height = 0 } })
        {
            Assert.Equal("data", Assert.Throws<ArgumentException>(() => network.Compile(wrong)).ParamName);
            Assert.Throws<InvalidOperationException>(wrong.ToJson);
        }
    }

    [Fact]
    public void A_network_that_has_diverged_is_refused()
    {
        using var network = RandomNetworks.Create(RandomNetworks.Spec(2).Spec, 2);
        using (no_grad()) network.get_buffer("bn1.running_var")!.fill_(-1);
        Assert.Contains("bn1.running_var", Assert.Throws<InvalidDataException>(() => network.Compile()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_the_module_loads_with_the_same_logits()
    {
        using var folder = new TemporaryFolder();
        var (spec, height, width) = RandomNetworks.Spec(3);
        using var network = RandomNetworks.Create(spec, 3);
        network.SaveSafeTensors(folder.File("model"));
        float[] pixels = [.. Enumerable.Range(0, spec.InputChannels * height * width).Select(i => MathF.Sin(i))], here = new float[spec.Outputs], there = new float[spec.Outputs];
        using (var session = network.Compile().CreateSession(1, 1, height, width)) session.Run(pixels, here);
        using (var session = CompiledModel.Load(folder.File("model")).CreateSession(1, 1, height, width)) session.Run(pixels, there);
        Assert.Equal(here, there);
    }

    private static void Compare(NetworkSpec spec, int seed, int height, int width, int batch, double tolerance, bool neutral)
    {
        using var oneThread = new OneThread();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = RandomNetworks.Create(spec, seed);
        if (neutral) RandomNetworks.Neutralise(network);
        var input = randn(batch, spec.InputChannels, height, width);
        var expected = network.call(input.to(float64)).data<double>().ToArray();
        var pixels = input.data<float>().ToArray();
        var scale = expected.Max(Math.Abs);
        foreach (var kernel in Kernels)
        {
            var model = network.Compile(null, kernel);
            foreach (var threads in new[] { 1, 3 })
            {
                using var session = model.CreateSession(batch, threads, height, width);
                var logits = new float[batch * spec.Outputs];
                session.Run(pixels, logits);
                var worst = logits.Zip(expected, (a, e) => Math.Abs(a - e)).Max();
                Assert.True(worst <= tolerance * scale, $"{kernel}, {threads} threads: off by {worst:E2} of {scale:E2}\n{spec}\n{string.Join("\n", spec.Blocks)}\n{height}×{width}");
            }
        }
    }
}
