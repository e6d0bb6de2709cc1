using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.BadInput;

/// <summary>Every way into a network, not its forward alone: what it can't be applied to, and what its batch norms can't count.</summary>
public sealed class NetworkEntryTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    public static TheoryData<string> Entries() =>
        ["forward", "Features", "Features 0", "Features 1", "Features 2", "Features 2 0", "ForwardFeatures", "ForwardHead", "ForwardHead preLogits"];

    /// <summary>Every entry of a network as it was built, and of networks that were changed afterwards.</summary>
    public static TheoryData<string, string> Changes()
    {
        var data = new TheoryData<string, string>();
        foreach (var entry in Entries())
        {
            foreach (var change in new[] { "none", "stride", "dilation", "pool", "enlarge" }) data.Add(entry, change);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Entries))]
    public void A_wrong_rank_number_of_channels_dtype_or_device_is_named_and_nothing_is_counted(string entry)
    {
        foreach (var training in new[] { false, true })
        {
            using var network = Create();
            network.train(training);
            var statistics = Statistics(network);
            var channels = Channels(network, entry);
            Refused(zeros(2, channels), $"[2, {channels}]", "[N, C, H, W]");
            Refused(zeros(channels, 6, 6), $"[{channels}, 6, 6]", "[N, C, H, W]", $"{channels}");
            Refused(zeros([2, channels, 6, 6, 1]), "[N, C, H, W]");
            Refused(zeros(2, channels - 1, 6, 6), $"{channels - 1} channels", $"takes {channels}");
            Refused(zeros(2, channels, 0, 6), $"[2, {channels}, 0, 6]", "1×1");
            Refused(zeros(2, channels, 6, 6, dtype: float64), "Float64", "Float32");
            Refused(zeros(2, channels, 6, 6, dtype: int64), "Int64", "Float32");
            Refused(zeros(2, channels, 6, 6, device: META), "meta", "cpu");
            Assert.Throws<ArgumentNullException>("x", () => Run(network, entry, null!));
            Assert.Equal(statistics, Statistics(network));

            void Refused(Tensor x, params string[] mentioned) => NetworkEntryTests.Refused(network, entry, x, mentioned);
        }
    }

    /// <summary>libtorch's own rule where a batch norm runs; TorchSharp does not hold to it, and the variance becomes NaN.</summary>
    [Theory]
    [MemberData(nameof(Changes))]
    public void One_image_is_refused_where_a_batch_norm_that_runs_gets_one_value_per_channel_and_nowhere_else(string entry, string change)
    {
        using var network = Create();
        Change(network, change);
        network.SetXSepBackend(XSepBackend.Composed);
        network.train();
        var norms = network.named_modules().Where(at => at.module is NormBase).Select(at => (at.name, Norm: (nn.Module<Tensor, Tensor>)at.module)).ToList();
        foreach (var side in change == "dilation" ? [3, 9] : new[] { 1, 2, 9 })
        {
            var x = randn(1, Channels(network, entry), side, side);
            var one = new HashSet<string>();
            foreach (var (_, norm) in norms) norm.eval();
            var hooks = norms.Select(at => at.Norm.register_forward_pre_hook((_, map) =>
            {
                if (map.numel() == map.shape[1]) one.Add(at.name);
                return map;
            })).ToList();
            Run(network, entry, x);
            foreach (var hook in hooks) hook.remove();
            foreach (var (name, norm) in norms)
            {
                norm.train();
                if (one.Contains(name))
                {
                    var statistics = Statistics(network);
                    Refused(network, entry, x, $"'{name}'", "in training mode", "one value per channel", "batch of at least 2", "eval()");
                    Assert.Equal(statistics, Statistics(network));
                }
                else
                {
                    Run(network, entry, x);
                    Assert.True(((NormBase)norm).running_var!.isfinite().all().item<bool>(), $"{side} {name}");
                }

                norm.eval();
            }
        }
    }

    private static MobileNet Create()
    {
        var spec = MobileNetV3SmallSpec.XSep(new() { InputChannels = 8, Width = 0.1, NumClasses = 3 });
        return new(spec with { Blocks = [.. spec.Blocks.Take(5)] });
    }

    private static void Change(MobileNet network, string change)
    {
        Conv2d Conv(string path) => (Conv2d)network.named_modules().Single(at => at.name == path).module;
        var blocks = (Sequential)network.named_children().Single(at => at.name == "bneck").module;
        switch (change)
        {
            case "stride":
                Conv("conv1").stride = [1, 1];
                Conv("bneck.1.conv2").stride = [3, 3];
                Conv("conv2").stride = [2, 2];
                break;
            case "dilation":
                Conv("conv1").dilation = [2, 2];
                break;
            case "pool":
                blocks.append(nn.AdaptiveAvgPool2d(1));
                break;
            case "enlarge":
                blocks.append(nn.Upsample(scale_factor: [2, 2]));
                break;
        }
    }

    private static int Channels(MobileNet network, string entry) =>
        entry.StartsWith("ForwardHead", StringComparison.Ordinal) ? network.Spec.LastChannels : network.Spec.InputChannels;

    private static void Run(MobileNet network, string entry, Tensor x)
    {
        var words = entry.Split(' ');
        _ = words[0] switch
        {
            "forward" => network.call(x),
            "Features" => network.Features(x, [.. words[1..].Select(int.Parse)])[0],
            "ForwardFeatures" => network.ForwardFeatures(x),
            _ => network.ForwardHead(x, preLogits: words.Length > 1),
        };
    }

    private static void Refused(MobileNet network, string entry, Tensor x, params string[] mentioned)
    {
        var e = Assert.Throws<ArgumentException>(() => Run(network, entry, x));
        Assert.Equal("x", e.ParamName);
        Assert.All(mentioned, part => Assert.Contains(part, e.Message, StringComparison.OrdinalIgnoreCase));
    }

    private static double[] Statistics(MobileNet network) => [.. network.buffers().SelectMany(buffer => buffer.to(float64).data<double>().ToArray())];
}
