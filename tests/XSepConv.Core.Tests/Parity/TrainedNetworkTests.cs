using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Parity;

/// <summary>Networks that were trained on one side and are used on the other.</summary>
public class TrainedNetworkTests
{
    private const int Steps = 20;
    private const int Classes = 5;

    [Fact]
    public async Task Twenty_steps_in_PyTorch_arrive_here()
    {
        var python = await RequirePython();
        using var folder = new TemporaryFolder();
        var (file, answer) = (folder.File("network.safetensors"), folder.File("answer.safetensors"));
        var cancellation = TestContext.Current.CancellationToken;
        await PythonWithTorch.RunAsync(python, [RepositoryFiles.Script("trained.py"), "train", file, answer, "5"], cancellation);

        using var scope = NewDisposeScope();
        var network = MobileNet.FromSafeTensors(file, dtype: ScalarType.Float64);
        Assert.Equal(MobileNetV3SmallSpec.XSep(new() { NumClasses = Classes, Preset = ImagePreset.Cifar, Width = 0.35 }), network.Spec);
        Assert.Equal(Steps, network.state_dict()["bn1.num_batches_tracked"].item<long>());
        Agree(network, answer);
    }

    [Fact]
    public async Task Twenty_steps_here_arrive_in_PyTorch()
    {
        var python = await RequirePython();
        using var folder = new TemporaryFolder();
        var (file, answer) = (folder.File("network.safetensors"), folder.File("answer.safetensors"));
        random.manual_seed(6);
        using var network = new XSepMobileNetV3Small(new MobileNetV3Options { NumClasses = Classes, Preset = ImagePreset.Cifar, Width = 0.35 });
        using var optimizer = optim.SGD(network.parameters(), 0.05, momentum: 0.9);
        using var images = randn(4, 3, 20, 17);
        for (var step = 0; step < Steps; step++)
        {
            using var ofStep = NewDisposeScope();
            optimizer.zero_grad();
            nn.functional.cross_entropy(network.call(randn(8, 3, 16, 16)), randint(0, Classes, 8)).backward();
            optimizer.step();
        }

        network.SaveSafeTensors(file);
        SafeTensors.Write(answer, [TensorBytes.Read("images", images)]);
        var cancellation = TestContext.Current.CancellationToken;
        await PythonWithTorch.RunAsync(python, [RepositoryFiles.Script("trained.py"), "answer", file, answer], cancellation);

        using var scope = NewDisposeScope();
        Agree(network.to(ScalarType.Float64), answer);
    }

    // Both sides compute the same float32 weights in float64: what differs is the order of sums.
    private static void Agree(MobileNet network, string answer)
    {
        using var file = SafeTensors.Open(answer);
        Tensor Read(string name) => TensorBytes.Create(file.Tensors[name], file.ReadBytes(name)).to(ScalarType.Float64);
        network.eval();
        using var noGrad = no_grad();
        var (actual, expected) = (network.call(Read("images")), Read("logits"));
        Assert.InRange(((actual - expected).abs().max() / expected.abs().max()).item<double>(), 0, 1e-9);
    }

    private static async Task<string> RequirePython()
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, "No Python with torch here; on Debian: apt-get install python3-torch.");
        return python!;
    }
}
