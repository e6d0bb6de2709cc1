using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Conversion;

public class AtomicityTests
{
    private static readonly long[] Input = [2, 4, 8, 8];

    [Fact]
    public void Nothing_is_changed_when_the_converted_network_does_not_run()
    {
        using var scope = NewDisposeScope();
        var network = new Allergic();
        network.train();
        network.Conv2.eval();
        var modules = network.named_modules().ToList();
        var state = network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.clone());

        var error = Assert.Throws<InvalidOperationException>(() => XSepConverter.Convert(network, Input));

        Assert.Contains("nothing was changed", error.Message);
        Assert.Contains("allergic", error.Message);
        Assert.Equal(modules, network.named_modules());
        Assert.Same(modules[0].module, network.Conv1);
        Assert.True(network.training);
        Assert.True(network.Conv1.training);
        Assert.False(network.Conv2.training);
        Assert.Equal(state.Keys, network.state_dict().Keys);
        Assert.All(state, entry => Assert.True(entry.Value.eq(network.state_dict()[entry.Key]).all().item<bool>(), entry.Key));
        Assert.Equal(Input, network.call(randn(Input)).shape);
    }

    [Fact]
    public void Searching_leaves_weights_statistics_gradients_and_the_random_state_as_they_are()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(4);
        var expected = randn(3);
        random.manual_seed(4);
        var network = UserNetworksWithoutDraws();
        XSepConverter.Preview(network, Input);

        Assert.True(randn(3).eq(expected).all().item<bool>());
        Assert.All(network.named_buffers().Where(entry => entry.name.EndsWith("num_batches_tracked", StringComparison.Ordinal)), entry => Assert.Equal(0, entry.buffer.item<long>()));
        Assert.All(network.parameters(), parameter => Assert.Null(parameter.grad));
        Assert.True(is_grad_enabled());
    }

    // TorchSharp never takes some tensors that modules were made from off its count, so that a module that is gone leaves a few. A conversion leaves
    // what its three XSepConv2d leave, and no more.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_replaced_is_disposed_of_and_nothing_else_is_left(bool fit)
    {
        using var scope = NewDisposeScope();
        var options = fit ? new ConversionOptions { Initialise = KernelInitialisation.Fit, Calibration = randn(4, 3, 32, 32), FitSteps = 2 } : null;
        var network = LeftBy(() => UserNetworks.PlainSequential().Dispose());
        var replacement = LeftBy(() => new XSepConv2d(12, 5).Dispose());

        Assert.Equal(network + (3 * replacement), LeftBy(() =>
        {
            using var converted = UserNetworks.PlainSequential();
            var old = converted.modules().OfType<TorchSharp.Modules.Conv2d>().Single(conv => conv.groups == 20).weight;
            var oldNorm = ((TorchSharp.Modules.BatchNorm2d)converted.named_children().Single(child => child.name == "dw3_bn").module).weight;
            XSepConverter.Convert(converted, [1, 3, 32, 32], options);
            Assert.True(old.IsInvalid);
            Assert.True(oldNorm.IsInvalid);
        }));
    }

    [Fact]
    public void A_conversion_that_fails_leaves_no_tensors()
    {
        using var network = new Allergic();
        var replacement = LeftBy(() => new XSepConv2d(4, 5).Dispose());

        Assert.Equal(2 * replacement, LeftBy(() => Assert.Throws<InvalidOperationException>(() => XSepConverter.Convert(network, Input))));
        Assert.Equal(0, LeftBy(() => XSepConverter.Preview(network, Input)));
    }

    private static long LeftBy(Action action)
    {
        action();
        var before = Count();
        action();
        return Count() - before;

        // TorchSharp leaves some temporaries of a new layer to the finalizers.
        static long Count()
        {
            Finalisers.Run();
            return Tensor.TotalCount;
        }
    }

    [Fact]
    public void A_conversion_inside_a_dispose_scope_outlives_it()
    {
        using var network = UserNetworks.PlainSequential();
        using (NewDisposeScope())
        {
            XSepConverter.Convert(network, [1, 3, 32, 32], new() { Initialise = KernelInitialisation.Fit, Calibration = randn(4, 3, 32, 32), FitSteps = 1 });
        }

        using var x = randn(2, 3, 32, 32);
        using var y = network.call(x);
        Assert.Equal([2L, 8], y.shape);
    }

    private static Module<Tensor, Tensor> UserNetworksWithoutDraws()
    {
        // Making a layer draws its weights; the state is put back, so that only the search could have moved it.
        var state = random.get_rng_state();
        var network = Sequential(Conv2d(4, 4, 5, padding: 2, groups: 4), BatchNorm2d(4));
        random.set_rng_state(state);
        return network;
    }

    private sealed class Allergic : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> conv1 = Conv2d(4, 4, 5, padding: 2, groups: 4), norm1 = BatchNorm2d(4);
        private readonly Module<Tensor, Tensor> conv2 = Conv2d(4, 4, 7, padding: 3, groups: 4), norm2 = BatchNorm2d(4);

        public Allergic() : base(nameof(Allergic)) => RegisterComponents();

        public Module<Tensor, Tensor> Conv1 => conv1;

        public Module<Tensor, Tensor> Conv2 => conv2;

        public override Tensor forward(Tensor x)
        {
            if (conv2 is XSepConv2d) throw new NotSupportedException("allergic to XSepConv2d");
            return norm2.call(conv2.call(norm1.call(conv1.call(x))));
        }
    }
}
