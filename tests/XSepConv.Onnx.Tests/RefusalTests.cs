using System.Reflection;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>What can't be exported is named as what it is, with its place and the real reason.</summary>
public sealed class RefusalTests
{
    // One argument of each type that the functions of torch.nn take and that have no default.
    private static readonly Dictionary<Type, object> Arguments = new()
    {
        [typeof(long)] = 4L,
        [typeof(int)] = 4,
        [typeof(double)] = 0.5,
        [typeof(bool)] = false,
        [typeof(long[])] = new long[] { 4 },
        [typeof((long, long))] = (1L, 1L),
        [typeof((long, long, long))] = (1L, 1L, 1L),
        [typeof(ValueTuple<long, long>?)] = (1L, 1L),
        [typeof(long?)] = 4L,
        [typeof(float)] = 0.5f,
        [typeof(double[])] = new[] { 0.5 },
        [typeof(string)] = "x",
    };

    public static IEnumerable<nn.Module<Tensor, Tensor>> EveryStockModule()
    {
        var seen = new HashSet<Type>();
        foreach (
            var method in typeof(nn).GetMethods(BindingFlags.Public | BindingFlags.Static).OrderBy(method => method.GetParameters().Length))
        {
            if (method.IsGenericMethod || !method.ReturnType.IsAssignableTo(typeof(nn.Module<Tensor, Tensor>)) || seen.Contains(
                method.ReturnType)) continue;
            var parameters = method.GetParameters();
            if (parameters.Any(parameter => !parameter.HasDefaultValue && !Arguments.ContainsKey(parameter.ParameterType))) continue;
            nn.Module<Tensor, Tensor> module;
            try
            {
                module = (nn.Module<Tensor, Tensor>)method.Invoke(
                    null, [.. parameters.Select(parameter =>
                        parameter.HasDefaultValue ? parameter.DefaultValue : Arguments[parameter.ParameterType])])!;
            }
            catch (TargetInvocationException)
            {
                // It wants arguments that go together.
                continue;
            }

            seen.Add(method.ReturnType);
            yield return module;
        }
    }

    [Fact]
    public void An_unknown_activation_is_refused_by_name()
    {
        var layers = new ActivationTranslator(new GraphBuilder(OnnxExporter.NewestOpsetVersion, foldBatchNorm: true));
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => layers.Activation(OnnxTensor.Features(1), (Activation)99, "act"));
        Assert.Contains("Activation 99 is unknown; known are ReLU", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_stock_module_is_exported_or_refused_by_its_full_name_and_its_place()
    {
        var (exported, refused) = (new List<string>(), new List<string>());
        foreach (var module in EveryStockModule())
        {
            var type = module.GetType();
            using var network = nn.Sequential(("stem", nn.Conv2d(3, 4, 1)), ("body", nn.Sequential(("odd", module))));
            try
            {
                OnnxRuntime.Export(network, new() { Size = (8, 8) });
                exported.Add(type.Name);
            }
            catch (NotSupportedException e)
            {
                Assert.StartsWith($"'body.odd' is a {type.FullName}, which can't be exported: ", e.Message, StringComparison.Ordinal);
                Assert.Contains("What can: of XSepConv MobileNet, XSepBlock", e.Message, StringComparison.Ordinal);
                Assert.EndsWith(
                    "For others implement IOnnxExportable on the class, or put a translator of it into OnnxExportOptions.Translators.",
                    e.Message, StringComparison.Ordinal);
                var known = e.Message[e.Message.IndexOf("What can", StringComparison.Ordinal)..].Contains($" {type.Name},",
                    StringComparison.Ordinal);
                Assert.Equal(known, !e.Message.Contains("none of the classes", StringComparison.Ordinal));
                refused.Add(type.Name);
            }
            catch (ArgumentException e)
            {
                // A known module that does not fit what comes before it.
                Assert.StartsWith("'body.odd' ", e.Message, StringComparison.Ordinal);
                exported.Add(type.Name);
            }
        }

        Assert.True(refused.Count >= 40, $"only {refused.Count} were made: {string.Join(", ", refused)}");
        Assert.Superset(new HashSet<string> { "Conv2d", "Linear", "BatchNorm1d", "BatchNorm2d", "ReLU", "ReLU6", "Hardswish",
            "Hardsigmoid", "Dropout", "Identity" }, exported.ToHashSet());
        Assert.Superset(new HashSet<string> { "Mish", "MaxPool1d", "Conv1d", "Softmax2d", "BatchNorm3d", "AdaptiveMaxPool2d" },
            refused.ToHashSet());
    }

    [Fact]
    public void Classes_of_ones_own_with_a_known_name_or_base_are_told_from_the_known_ones()
    {
        foreach (var (module, message) in new (nn.Module<Tensor, Tensor>, string)[]
        {
            (new ReLU(),
                "'1' is a XSepConv.Onnx.Tests.RefusalTests.ReLU, which can't be exported: it is not "
                + "TorchSharp.Modules.ReLU, another class of that name. "),
            (new Doubled(),
                "'1' is a XSepConv.Onnx.Tests.RefusalTests.Doubled, which can't be exported: it has a forward of its own, "
                + "which may do something else than that of TorchSharp.Modules.Sequential. "),
            (new Generic<Tensor[]>(),
                "'1' is a XSepConv.Onnx.Tests.RefusalTests.Generic<TorchSharp.torch.Tensor[]>, which can't be exported: "
                + "it is none of the classes that are known here. "),
        })
        {
            using var sequence = nn.Sequential(nn.Conv2d(3, 3, 1), module);
            Assert.StartsWith(message, Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(sequence)).Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_reason_is_that_of_the_module_not_that_nothing_says_how_many_channels_there_are()
    {
        using var module = nn.Sequential(nn.Mish());
        Assert.StartsWith("'0' is a TorchSharp.Modules.Mish, ",
            Assert.Throws<NotSupportedException>(() => OnnxRuntime.Export(module)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_norm_that_does_not_fit_the_layer_before_it_is_named()
    {
        foreach (var norm in Enum.GetValues<OnnxBatchNorm>())
        {
            using var wide = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(2));
            Assert.Equal("'1' is a batch norm of 2 channels, it gets the 4 of '0'.",
                Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(wide, new() { BatchNorm = norm })).Message);
            using var flat = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm1d(4));
            Assert.Equal("'1' is a batch norm of features [N, C], it gets [N, 4, H, W].",
                Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(flat, new() { BatchNorm = norm })).Message);
            using var high = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm2d(4));
            Assert.Equal("'1' is a batch norm of maps [N, C, H, W], it gets [N, 4].",
                Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(high, new() { BatchNorm = norm })).Message);
        }
    }

    // Each makes of finite weights what no float32 holds.
    [Theory]
    [InlineData(0, 0, 1, "its channel 1 has the variance 0, epsilon is 0")]
    [InlineData(0, 1e-30, 1e30, "its channel 1 has the variance 0, epsilon is 1E-30")]
    public void A_batch_norm_that_makes_infinite_weights_is_named(double variance, double epsilon, double scale, string reason)
    {
        foreach (var before in new nn.Module<Tensor, Tensor>[] { nn.Conv2d(3, 2, 1), nn.Linear(3, 2) })
        {
            TorchSharp.Modules.BatchNorm norm = before is TorchSharp.Modules.Linear ? nn.BatchNorm1d(2) : nn.BatchNorm2d(2);
            using var module = nn.Sequential(before, (nn.Module<Tensor, Tensor>)norm);
            norm.eps = epsilon;
            using (no_grad())
            {
                norm.running_var![1] = variance;
                norm.weight![1] = scale;
            }

            var message = Assert.Throws<ArgumentException>(() => OnnxRuntime.Export(module)).Message;
            Assert.StartsWith("'1' is a batch norm that can't be folded into '0': ", message, StringComparison.Ordinal);
            Assert.Contains(reason, message, StringComparison.Ordinal);
        }
    }

    private sealed class ReLU() : nn.Module<Tensor, Tensor>(nameof(ReLU))
    {
        public override Tensor forward(Tensor x) => x.relu();
    }

    private sealed class Generic<T>() : nn.Module<Tensor, Tensor>(typeof(T).Name)
    {
        public override Tensor forward(Tensor x) => x;
    }

    private sealed class Doubled() : TorchSharp.Modules.Sequential(("conv", nn.Conv2d(3, 3, 1)))
    {
        public override Tensor forward(Tensor x) => 2 * base.forward(x);
    }
}
