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

    public static TheoryData<string> Variants =>
    [
        .. from placement in Enum.GetNames<PaddingPlacement>()
           from kernel in new[] { 3, 5, 7, 9 }
           from width in new[] { 0.25, 1.0 }
           select $"{placement}/{kernel}/{width}",
    ];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_random_network_gives_the_modules_logits_at_every_width(int seed)
    {
        var (spec, height, width) = RandomNetworks.Spec(seed);
        Compare(spec, seed, height, width, batch: 1 + (seed % 3));
    }

    private static void Compare(NetworkSpec spec, int seed, int height, int width, int batch)
    {
        using var oneThread = new OneThread();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = RandomNetworks.Create(spec, seed);
        var input = randn(batch, spec.InputChannels, height, width);
        var expected = network.call(input.to(float64)).data<double>().ToArray();
        var pixels = input.data<float>().ToArray();
        var scale = expected.Max(Math.Abs);
        foreach (var kernel in Kernels)
        {
            var model = network.Compile(null, kernel);
            foreach (var threads in new[] { 1, 2, 3 })
            {
                using var session = model.CreateSession(batch, threads, height, width);
                var logits = new float[batch * spec.NumClasses];
                session.Run(pixels, logits);
                var worst = logits.Zip(expected, (a, e) => Math.Abs(a - e)).Max();
                Assert.True(worst <= Tolerance * scale, $"{kernel}, {threads} threads: off by {worst:E2} of {scale:E2}\n{spec}\n{string.Join("\n", spec.Blocks)}\n{height}×{width}");
            }
        }
    }
}
