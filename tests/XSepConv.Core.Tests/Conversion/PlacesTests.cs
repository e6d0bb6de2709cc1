using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

public class PlacesTests
{
    private static readonly long[] Input = [2, 4, 8, 8];

    [Fact]
    public void Modules_are_replaced_wherever_a_network_holds_them()
    {
        using var scope = NewDisposeScope();
        using var network = new Everywhere();
        var report = XSepConverter.Convert(network, Input);

        Assert.Equal(
            ["inherited", "<Property>k__BackingField", "list.0", "dictionary.conv", "array0", "lookup", "named.0"],
            report.Replaced.Select(layer => layer.Path));
        Assert.Empty(report.Left);

        // Every one of them is what forward calls.
        foreach (var layer in network.modules().OfType<XSepConv2d>().Distinct())
        {
            var runs = 0;
            var hook = layer.register_forward_hook(_ => runs++);
            network.call(randn(Input));
            hook.remove();
            Assert.Equal(1, runs);
        }

        Assert.DoesNotContain(network.modules(), module => module is Conv2d { groups: 4, kernel_size: [5, 5] });
        Assert.DoesNotContain(network.modules(), module => module is BatchNorm2d norm && !network.modules().OfType<XSepConv2d>().Any(layer => layer.children().Contains(norm)));

        // The result is a network like any other.
        using var stream = new MemoryStream();
        network.save(stream);
        using var saved = new MemoryStream(stream.ToArray());
        network.load(saved);
        Assert.Contains("dictionary.conv.conv1.weight", network.state_dict().Keys);
    }

    [Fact]
    public void A_module_registered_under_two_names_but_run_once_is_replaced_under_both()
    {
        using var network = new TwoNames();
        XSepConverter.Convert(network, Input);

        var children = network.named_modules().ToDictionary(entry => entry.name, entry => entry.module);
        Assert.IsType<XSepConv2d>(children["conv"]);
        Assert.Same(children["conv"], children["layers.0"]);
    }

    [Theory]
    [InlineData(typeof(TypedConvolution), "conv", "field 'conv' of XSepConv.Core.Tests.Conversion.PlacesTests.TypedConvolution is declared as TorchSharp.Modules.Conv2d", "Module<Tensor, Tensor>")]
    [InlineData(typeof(TypedNorm), "conv", "its batch norm 'norm' can't be taken out: field 'norm' of XSepConv.Core.Tests.Conversion.PlacesTests.TypedNorm is declared as TorchSharp.Modules.BatchNorm2d", "Module<Tensor, Tensor>")]
    [InlineData(typeof(TypedList), "list.0", "declared as TorchSharp.Modules.Conv2d", "System.Collections.Generic.List<TorchSharp.Modules.Conv2d> in field '_list' of TorchSharp.Modules.ModuleList<TorchSharp.Modules.Conv2d>")]
    [InlineData(typeof(Captured), "conv", "still runs after it was replaced", "")]
    [InlineData(typeof(Cast), "conv", "does not run with another module in its place", "")]
    [InlineData(typeof(UsedTwice), "conv", "used by something besides 'norm'", "")]
    [InlineData(typeof(ChangedInPlace), "conv", "used by something besides 'norm'", "")]
    [InlineData(typeof(UsedTwiceBehindZeros), "conv", "used by something besides 'norm'", "")]
    [InlineData(typeof(UsedTwiceBehindZero), "conv", "used by something besides 'norm'", "")]
    [InlineData(typeof(Unseen), "conv", "the network's output is the same whatever it gives", "")]
    [InlineData(typeof(RunTwice), "conv", "runs 2 times", "")]
    [InlineData(typeof(SharedNorm), "conv", "batch norm 'norm' runs 2 times", "")]
    public void What_cannot_be_replaced_stays_and_is_listed_with_the_reason(Type type, string path, string reason, string detail)
    {
        using var network = (Module<Tensor, Tensor>)Activator.CreateInstance(type)!;
        var modules = network.named_modules().ToList();
        var left = XSepConverter.Preview(network, Input).Left.Single(layer => layer.Path == path);

        Assert.Contains(reason, left.Reason);
        Assert.Contains(detail, left.Reason);
        Assert.Equal(modules, network.named_modules());
    }

    /// <summary>As classifiers and the ends of residual branches are begun with.</summary>
    [Fact]
    public void Behind_a_layer_of_zeros_a_convolution_is_replaced_and_the_zeros_stay()
    {
        using var last = Linear(4, 3);
        using (TorchSharp.torch.no_grad())
        {
            last.weight!.fill_(-0.0);
            last.bias!.zero_();
        }

        using var network = Sequential(("conv", Depthwise()), ("norm", BatchNorm2d(4)), ("pool", AdaptiveAvgPool2d(1)), ("flat", Flatten()), ("last", last));
        Assert.Equal(["conv"], XSepConverter.Convert(network, Input).Replaced.Select(layer => layer.Path));
        Assert.All(last.weight!.data<float>().ToArray(), value => Assert.True(value == 0 && float.IsNegative(value)));
        Assert.Equal(0, last.bias!.count_nonzero().item<long>());
    }

    [Fact]
    public void A_network_that_cannot_be_told_from_one_run_to_the_next_is_refused()
    {
        using var network = new Restless();
        var error = Assert.Throws<ArgumentException>(() => XSepConverter.Convert(network, Input));
        Assert.Contains("differs from run to run", error.Message);
    }

    private static Conv2d Depthwise() => Conv2d(4, 4, 5, padding: 2, groups: 4);

    private class Base : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> inherited = Depthwise();
        private readonly Module<Tensor, Tensor> inheritedNorm = BatchNorm2d(4);

        protected Base(string name) : base(name)
        {
        }

        public override Tensor forward(Tensor x) => inheritedNorm.call(inherited.call(x));
    }

    private sealed class Everywhere : Base
    {
        private readonly ModuleList<Module<Tensor, Tensor>> list = new(Depthwise(), BatchNorm2d(4));
        private readonly ModuleDict<Module<Tensor, Tensor>> dictionary = ModuleDict<Module<Tensor, Tensor>>(("conv", Depthwise()), ("norm", BatchNorm2d(4)));
        private readonly Module<Tensor, Tensor>[] array = [Depthwise(), BatchNorm2d(4)];
        private readonly Dictionary<string, List<Module>> lookup = new() { ["pair"] = [Depthwise(), BatchNorm2d(4)] };
        private readonly Sequential named = Sequential(Depthwise(), BatchNorm2d(4));

        public Everywhere() : base(nameof(Everywhere))
        {
            register_module("array0", array[0]);
            register_module("array1", array[1]);
            register_module("lookup", lookup["pair"][0]);
            register_module("lookupNorm", lookup["pair"][1]);
            Property = Depthwise();
            PropertyNorm = BatchNorm2d(4);
            RegisterComponents();
        }

        public Module<Tensor, Tensor> Property { get; }

        public Module<Tensor, Tensor> PropertyNorm { get; }

        public override Tensor forward(Tensor x)
        {
            x = PropertyNorm.call(Property.call(base.forward(x)));
            foreach (var layer in list) x = layer.call(x);
            x = dictionary["norm"].call(dictionary["conv"].call(x));
            foreach (var layer in array) x = layer.call(x);
            foreach (var layer in lookup["pair"]) x = ((Module<Tensor, Tensor>)layer).call(x);
            return named.call(x);
        }
    }

    private sealed class TwoNames : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Depthwise();
        private readonly Sequential layers;

        public TwoNames() : base(nameof(TwoNames))
        {
            layers = Sequential(conv, BatchNorm2d(4));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => layers.call(x);
    }

    private sealed class TypedConvolution : Module<Tensor, Tensor>
    {
        private readonly Conv2d conv = Depthwise();
        private readonly Module<Tensor, Tensor> norm = BatchNorm2d(4);

        public TypedConvolution() : base(nameof(TypedConvolution)) => RegisterComponents();

        public override Tensor forward(Tensor x) => norm.call(conv.call(x));
    }

    private sealed class TypedNorm : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Depthwise();
        private readonly BatchNorm2d norm = BatchNorm2d(4);

        public TypedNorm() : base(nameof(TypedNorm)) => RegisterComponents();

        public override Tensor forward(Tensor x) => norm.call(conv.call(x));
    }

    private sealed class TypedList : Module<Tensor, Tensor>
    {
        private readonly ModuleList<Conv2d> list = new(Depthwise());
        private readonly Module<Tensor, Tensor> norm = BatchNorm2d(4);

        public TypedList() : base(nameof(TypedList)) => RegisterComponents();

        public override Tensor forward(Tensor x) => norm.call(list[0].call(x));
    }

    private sealed class Captured : Module<Tensor, Tensor>
    {
        private readonly Func<Tensor, Tensor> run;
        private readonly Module<Tensor, Tensor> norm = BatchNorm2d(4);

        public Captured() : base(nameof(Captured))
        {
            var conv = Depthwise();
            register_module("conv", conv);
            run = conv.call;
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => norm.call(run(x));
    }

    private sealed class Cast : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Depthwise(), norm = BatchNorm2d(4);

        public Cast() : base(nameof(Cast)) => RegisterComponents();

        public override Tensor forward(Tensor x) => norm.call(conv.call(x)) * ((Conv2d)conv).weight.sum();
    }

    private sealed class UsedTwice : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Depthwise(), norm = BatchNorm2d(4);

        public UsedTwice() : base(nameof(UsedTwice)) => RegisterComponents();

        public override Tensor forward(Tensor x)
        {
            var y = conv.call(x);
            return norm.call(y) + y;
        }
    }

    private sealed class UsedTwiceBehindZeros : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Depthwise(), norm = BatchNorm2d(4);
        private readonly BatchNorm2d last = BatchNorm2d(4);
        private readonly Parameter scale = Parameter(TorchSharp.torch.zeros(4, 1, 1));

        public UsedTwiceBehindZeros() : base(nameof(UsedTwiceBehindZeros))
        {
            init.zeros_(last.weight!);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            var y = conv.call(x);
            return x + (scale * last.call(norm.call(y).relu() * y.sigmoid()));
        }
    }

    private sealed class UsedTwiceBehindZero : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Depthwise(), norm = BatchNorm2d(4);
        private readonly Parameter scale = Parameter(TorchSharp.torch.zeros(1));

        public UsedTwiceBehindZero() : base(nameof(UsedTwiceBehindZero)) => RegisterComponents();

        public override Tensor forward(Tensor x)
        {
            var y = conv.call(x);
            return x + (scale * (norm.call(y) + y));
        }
    }

    private sealed class Unseen : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Depthwise(), norm = BatchNorm2d(4);

        public Unseen() : base(nameof(Unseen)) => RegisterComponents();

        public override Tensor forward(Tensor x)
        {
            var y = conv.call(x);
            return x + ((norm.call(y) + y) * 0);
        }
    }

    private sealed class ChangedInPlace : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Depthwise(), norm = BatchNorm2d(4);

        public ChangedInPlace() : base(nameof(ChangedInPlace)) => RegisterComponents();

        public override Tensor forward(Tensor x)
        {
            var y = conv.call(x);
            y.add_(x);
            return norm.call(y);
        }
    }

    private sealed class RunTwice : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Depthwise(), norm = BatchNorm2d(4);

        public RunTwice() : base(nameof(RunTwice)) => RegisterComponents();

        public override Tensor forward(Tensor x) => conv.call(norm.call(conv.call(x)));
    }

    private sealed class SharedNorm : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Depthwise(), norm = BatchNorm2d(4);

        public SharedNorm() : base(nameof(SharedNorm)) => RegisterComponents();

        public override Tensor forward(Tensor x) => norm.call(norm.call(conv.call(x)));
    }

    private sealed class Restless : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv = Depthwise(), norm = BatchNorm2d(4);

        public Restless() : base(nameof(Restless)) => RegisterComponents();

        public override Tensor forward(Tensor x) => functional.dropout(norm.call(conv.call(x)), 0.5, training: true);
    }
}
