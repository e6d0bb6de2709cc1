using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Disposal;

/// <summary>
/// What a call leaves to the garbage collector, in bytes: scopes, tensors' wrappers and arguments, whatever the size of the maps. The bounds are what was
/// measured and a quarter (with the engine's arrays for a fused backward: a half) more.
/// </summary>
public sealed class GarbageTests
{
    private const int Calls = 100, Rounds = 3;

    [Theory]
    [InlineData("XSepConv2d", 900, 15_000)]
    [InlineData("XSepBlock", 5_100, 30_000)]
    [InlineData("DwBlock", 4_000, 22_500)]
    [InlineData("MobileNet", 70_000, 350_000)]
    public void A_call_and_a_gradient_leave_little_to_the_collector(string name, long perCall, long perGradient)
    {
        using var threads = new OneThread();
        using nn.Module<Tensor, Tensor> module = name switch
        {
            "XSepConv2d" => new XSepConv2d(16, 5),
            "XSepBlock" => new XSepBlock(5, 8, 16, 8, PaddingDirection.Symmetric),
            "DwBlock" => new DwBlock(5, 8, 16, 8, squeezeExcite: SqueezeExcite.None),
            _ => new XSepMobileNetV3Small(new MobileNetV3Options { InputChannels = 8, NumClasses = 10, Preset = ImagePreset.Cifar, Width = 0.1 }),
        };
        using var x = randn(2, name == "XSepConv2d" ? 16 : 8, 8, 8);
        Assert.InRange(Bytes(Differentiate), 0, perGradient);
        module.eval();
        using var noGrad = no_grad();
        Assert.InRange(Bytes(() => module.call(x).Dispose()), 0, perCall);

        void Differentiate()
        {
            using var scope = NewDisposeScope();
            module.call(x).square().mean().backward();
        }
    }

    // Once everything is compiled; other threads' allocations come and go, so that the best round counts.
    private static long Bytes(Action work)
    {
        for (var i = 0; i < 50; i++) work();
        return Enumerable.Range(0, Rounds).Min(_ => Round());

        long Round()
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < Calls; i++) work();
            return (GC.GetTotalAllocatedBytes(precise: true) - before) / Calls;
        }
    }
}
