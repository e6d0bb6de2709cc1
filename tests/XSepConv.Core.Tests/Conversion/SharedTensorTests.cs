using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

/// <summary>What shares a tensor with another module is left, since the other would keep what is disposed of, or lose what ties them.</summary>
public class SharedTensorTests
{
    private static readonly long[] Input = [2, 4, 12, 12];

    public static TheoryData<string, string> Ties()
    {
        var data = new TheoryData<string, string>();
        foreach (var other in new[] { "dilated", "replaceable", "parameter" })
        {
            foreach (var tensor in new[] { "weight", "bias", "view", "norm weight", "norm bias", "running mean", "running variance" })
            {
                data.Add(other, tensor);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Ties))]
    public void A_convolution_that_shares_a_tensor_is_left_with_a_reason(string other, string tensor)
    {
        using var scope = NewDisposeScope();
        var network = Make(other, tensor);
        network.eval();
        var before = network.named_modules().Select(entry => entry.name).ToList();
        var report = XSepConverter.Convert(network, Input);

        // The third convolution shares nothing.
        Assert.Equal(["c"], report.Replaced.Select(layer => layer.Path));
        string[] tied = other == "replaceable" ? ["a", "b"] : ["a"];
        foreach (var path in tied)
        {
            var reason = report.Left.Single(layer => layer.Path == path).Reason;
            Assert.Contains(tensor.StartsWith("norm", StringComparison.Ordinal) || tensor.StartsWith("running", StringComparison.Ordinal)
                ? $"its batch norm '{path}n' shares its " : "it shares its ", reason, StringComparison.Ordinal);
        }

        Assert.True(network.call(randn(Input)).isfinite().all().item<bool>());

        // They are still one.
        var (first, second) = Tensors(network, tensor, other);
        using (no_grad()) first.fill_(0.5);
        Assert.Equal(0.5, second.flatten()[0].to(ScalarType.Float64).item<double>());
    }

    private static Sequential Make(string other, string tensor)
    {
        var a = Conv2d(4, 4, 5, padding: 2, groups: 4);
        var (b, an, bn) = (other == "dilated" ? Conv2d(4, 4, 5, padding: 4, dilation: 2, groups: 4) : Conv2d(4, 4, 5, padding: 2, groups: 4),
            BatchNorm2d(4), BatchNorm2d(4));
        if (other == "parameter")
        {
            var holder = new Holder(Of(a, an, tensor));
            return Sequential(("a", a), ("an", an), ("h", holder), ("c", Conv2d(4, 4, 5, padding: 2, groups: 4)));
        }

        switch (tensor)
        {
            case "weight": b.weight = a.weight; break;
            case "view": b.weight = Parameter(a.weight.detach().alias()); break;
            case "bias": b.bias = a.bias; break;
            case "norm weight": bn.weight = an.weight; break;
            case "norm bias": bn.bias = an.bias; break;
            case "running mean": bn.running_mean = an.running_mean; break;
            default: bn.running_var = an.running_var; break;
        }

        return Sequential(("a", a), ("an", an), ("b", b), ("bn", bn), ("c", Conv2d(4, 4, 5, padding: 2, groups: 4)));
    }

    /// <summary>Not touched, it takes no memory.</summary>
    [Fact]
    public void Tensors_of_more_than_two_gibibytes_stand_in_no_one_s_way()
    {
        using var scope = NewDisposeScope();
        var held = empty(1L << 30);
        var network = Sequential(("a", Conv2d(4, 4, 5, padding: 2, groups: 4)), ("h", new Holder(held, silent: true)));
        network.eval();
        Assert.Equal(["a"], XSepConverter.Convert(network, Input).Replaced.Select(layer => layer.Path));
    }

    private static (Tensor First, Tensor Second) Tensors(Sequential network, string tensor, string other)
    {
        var first = Of((Conv2d)network[0], (BatchNorm2d)network[1], tensor);
        return (first, other == "parameter" ? ((Holder)network[2]).Held : Of((Conv2d)network[2], (BatchNorm2d)network[3], tensor));
    }

    private static Tensor Of(Conv2d conv, BatchNorm2d norm, string tensor) => tensor switch
    {
        "weight" or "view" => conv.weight,
        "bias" => conv.bias!,
        "norm weight" => norm.weight!,
        "norm bias" => norm.bias!,
        "running mean" => norm.running_mean!,
        _ => norm.running_var!,
    };

    private sealed class Holder : Module<Tensor, Tensor>
    {
        private readonly bool _silent;

        public Holder(Tensor held, bool silent = false) : base(nameof(Holder))
        {
            (Held, _silent) = (held, silent);
            if (held is Parameter parameter) register_parameter("held", parameter);
            else register_buffer("held", held);
        }

        public Tensor Held { get; }

        public override Tensor forward(Tensor x) => _silent ? x.alias() : x + Held.sum();
    }
}
