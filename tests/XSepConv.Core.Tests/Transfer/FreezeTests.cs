using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Transfer;

/// <summary>Stages that are frozen in the midst of training stay as they are, whatever the optimizer holds of them.</summary>
public sealed class FreezeTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    public static TheoryData<string> Optimizers => ["SGD", "SGD Nesterov", "AdamW", "Adam", "RMSProp"];

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void To_the_bit_with_the_optimizer_that_trained_them_before(string name)
    {
        random.manual_seed(1);
        using var network = new MobileNet(PublishedSpec.MobileNetV2(new() { NumClasses = 3, Width = 0.35, Preset = ImagePreset.Cifar }));
        using var optimizer = Create(name, network);
        Train(2);
        foreach (var stages in new[] { 1, 3 })
        {
            // Gradients that are there already belong to steps that are not taken any more.
            Gradient();
            network.Freeze(stages);
            Assert.All(network.named_parameters(), at => Assert.True(at.parameter.requires_grad == at.parameter.grad is not null, at.name));
            var before = State();
            optimizer.step();
            Train(2);
            var after = State();
            Assert.Contains(before.Keys, network.IsFrozen);
            Assert.All(before.Keys, key => Assert.True(!network.IsFrozen(key) || before[key].SequenceEqual(after[key]), key));
            Assert.Contains(before.Keys, key => !network.IsFrozen(key) && !before[key].SequenceEqual(after[key]));
        }

        // Thawed, they learn again.
        network.Freeze(0);
        var frozen = State();
        Train(1);
        Assert.NotEqual(frozen["conv1.weight"], State()["conv1.weight"]);

        Dictionary<string, double[]> State() => network.state_dict().ToDictionary(entry => entry.Key, entry => TensorBytes.Doubles(entry.Value));

        void Gradient()
        {
            optimizer.zero_grad();
            nn.functional.cross_entropy(network.call(randn(4, 3, 16, 16)), randint(0, 3, [4])).backward();
        }

        void Train(int steps)
        {
            for (var i = 0; i < steps; i++)
            {
                Gradient();
                optimizer.step();
            }
        }
    }

    private static optim.Optimizer Create(string name, MobileNet network) => name switch
    {
        "SGD" => optim.SGD(network.parameters(), 0.1, momentum: 0.9, weight_decay: 1e-2),
        "SGD Nesterov" => optim.SGD(network.parameters(), 0.1, momentum: 0.9, weight_decay: 1e-2, nesterov: true),
        "AdamW" => optim.AdamW(network.parameters(), 0.01, weight_decay: 0.1),
        "Adam" => optim.Adam(network.parameters(), 0.01, weight_decay: 0.1),
        _ => optim.RMSProp(network.parameters(), 0.01, momentum: 0.9),
    };
}
