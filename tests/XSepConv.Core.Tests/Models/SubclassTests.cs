using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Models;

/// <summary>Classes that are derived from <see cref="MobileNet"/>.</summary>
public sealed class SubclassTests : IDisposable
{
    private static readonly NetworkSpec s_spec = MobileNetV3SmallSpec.XSep(new() { Width = 0.25, NumClasses = 3, Preset = ImagePreset.Cifar });

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void One_with_a_forward_of_its_own_is_not_compiled_as_if_it_had_none()
    {
        var (network, plain) = (new Scaled(), new MobileNet(s_spec));
        plain.load_state_dict(network.state_dict());
        network.eval();
        plain.eval();
        using var noGrad = no_grad();
        var x = randn(2, 3, 32, 32);
        Assert.True(network.call(x).equal(plain.call(x) * 2).all().item<bool>());
        var refused = Assert.Throws<InvalidOperationException>(() => network.Compile()).Message;
        Assert.Contains($"{nameof(Scaled)} has a forward of its own", refused, StringComparison.Ordinal);
        network.ResetClassifier(0);
        Assert.Throws<InvalidOperationException>(() => network.Compile());
    }

    [Fact]
    public void One_with_the_forward_of_its_base_is_compiled()
    {
        var network = new Named();
        network.eval();
        using var noGrad = no_grad();
        var x = randn(1, 3, 32, 32);
        var logits = new float[3];
        network.Compile().CreateSession(1, 1, 32, 32).Run(x.data<float>().ToArray(), logits);
        Assert.All(logits.Zip(network.call(x).data<float>().ToArray()), pair => Assert.Equal(pair.Second, pair.First, 1e-5));
    }

    /// <summary>As <see cref="MobileNet"/>'s remarks have it.</summary>
    [Fact]
    public void Layers_that_it_registers_are_trained_moved_and_kept_in_files()
    {
        var network = new WithAuxiliary();
        Assert.Equal([2L, 8], network.get_parameter("auxiliary.weight")!.shape);
        Assert.Contains(network.parameters(), parameter => ReferenceEquals(parameter, network.Auxiliary.weight));
        network.eval();
        Assert.False(network.Auxiliary.training);
        SafeTensorsExtensions.SaveSafeTensors(network, _folder.File("net"));
        var again = new WithAuxiliary();
        Assert.Empty(again.LoadSafeTensors(_folder.File("net")).MissingKeys);
        Assert.True(again.Auxiliary.weight!.equal(network.Auxiliary.weight!).all().item<bool>());
        Assert.Contains("auxiliary.weight", Assert.Throws<InvalidDataException>(() => network.Compile()).Message, StringComparison.Ordinal);
        network.to(float64);
        Assert.Equal(float64, network.Auxiliary.weight!.dtype);
    }

    private sealed class Scaled() : MobileNet(s_spec)
    {
        public override Tensor forward(Tensor x) => base.forward(x) * 2;
    }

    private sealed class Named() : MobileNet(s_spec)
    {
        public string Title => "as it is";
    }

    private sealed class WithAuxiliary : MobileNet
    {
        public WithAuxiliary() : base(s_spec)
        {
            Auxiliary = nn.Linear(8, 2);
            register_module("auxiliary", Auxiliary);
        }

        public Linear Auxiliary { get; }
    }
}
