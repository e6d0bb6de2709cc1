using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.BadInput;

/// <summary>What is made in <c>inference_mode()</c> can't be written outside: libtorch's rule, in words of ours.</summary>
public sealed class InferenceModeTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    public static TheoryData<string, XSepBackend> Backends() => ForwardTests.Backends();

    [Theory]
    [MemberData(nameof(Backends))]
    public void A_module_made_there_evaluates_and_says_why_it_does_not_train(string name, XSepBackend backend)
    {
        nn.Module<Tensor, Tensor> module;
        using (inference_mode()) module = ForwardTests.Create(name);
        module.SetXSepBackend(backend);
        Refused(module, randn(2, 8, 6, 6));

        module.eval();
        using (no_grad()) Assert.Equal(2, module.call(randn(2, 8, 6, 6)).shape[0]);

        // There it may count.
        module.train();
        using (inference_mode()) Assert.Equal(2, module.call(randn(2, 8, 6, 6)).shape[0]);
    }

    [Fact]
    public void So_does_a_network_that_is_loaded_there_and_one_whose_weights_alone_are_loaded_there_trains()
    {
        using var network = (MobileNet)ForwardTests.Create("MobileNet");
        network.SaveSafeTensors(_folder.File("net"));
        MobileNet loaded;
        using (inference_mode()) loaded = MobileNet.FromSafeTensors(_folder.File("net"));
        Refused(loaded, randn(2, 8, 32, 32));
        Assert.Contains("inference_mode()", Assert.Throws<InvalidOperationException>(() => loaded.ForwardHead(randn(2, loaded.Spec.LastChannels, 2, 2))).Message, StringComparison.Ordinal);
        Assert.Contains("inference_mode()", Assert.Throws<InvalidOperationException>(() => loaded.Features(randn(2, 8, 32, 32), 1)).Message, StringComparison.Ordinal);
        loaded.Dispose();

        using (inference_mode()) network.LoadSafeTensors(_folder.File("net"));
        network.call(randn(2, 8, 32, 32)).sum().backward();
    }

    private static void Refused(nn.Module<Tensor, Tensor> module, Tensor x)
    {
        var e = Assert.Throws<InvalidOperationException>(() => module.call(x));
        Assert.StartsWith($"The {module.GetType().Name} ", e.Message, StringComparison.Ordinal);
        Assert.Contains("made within inference_mode()", e.Message, StringComparison.Ordinal);
        Assert.All(module.modules().OfType<NormBase>(), norm => Assert.Equal(0, norm.num_batches_tracked!.to(int64).item<long>()));
    }
}
