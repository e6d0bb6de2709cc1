using System.Diagnostics;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Evaluation;

/// <summary>Weights that another thread changes while they are packed.</summary>
public sealed class RacingChangeTests
{
    private const int Moments = 20;

    // What the run beside the change gives is nobody's business; the next one must see the weights as they are.
    [Fact]
    public void What_is_changed_and_changed_back_while_weights_are_packed_is_not_kept()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var network = new XSepMobileNetV3Small(new MobileNetV3Options { NumClasses = 10, Preset = ImagePreset.Cifar });
        network.eval();
        var x = randn(1, 3, 32, 32);
        var weight = network.get_parameter("conv2.weight")!;
        var (wanted, other) = (weight.clone(), weight.neg());
        var expected = Logits();
        weight.copy_(other);
        Assert.NotEqual(expected, Logits());
        var packing = TimeOfPacking();

        for (var i = 0; i < Moments; i++)
        {
            weight.copy_(other);
            Logits();
            weight.copy_(wanted);
            var hasStarted = false;
            var beside = new Thread(() =>
            {
                using var none = no_grad();
                Volatile.Write(ref hasStarted, true);
                network.call(x).Dispose();
            });
            beside.Start();
            while (!Volatile.Read(ref hasStarted)) Thread.Yield();
            Spin(packing * i / Moments);
            weight.copy_(other);
            Spin(packing / 3);
            weight.copy_(wanted);
            beside.Join();
            Assert.Equal(expected, Logits());
        }

        float[] Logits()
        {
            using var logits = network.call(x);
            return logits.data<float>().ToArray();
        }

        TimeSpan TimeOfPacking()
        {
            weight.copy_(wanted);
            var start = Stopwatch.GetTimestamp();
            Logits();
            return Stopwatch.GetElapsedTime(start);
        }

        static void Spin(TimeSpan time)
        {
            var start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < time) Thread.SpinWait(10);
        }
    }
}
