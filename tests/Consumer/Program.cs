using TorchSharp;
using XSepConv;
using static TorchSharp.torch;

const int Steps = 16;
random.manual_seed(1);
var images = randn(32, 3, 32, 32);
var labels = randint(0, 10, [32], dtype: ScalarType.Int64);
var file = Path.Combine(AppContext.BaseDirectory, "network.safetensors");

using var network = new XSepMobileNetV3Small(numClasses: 10, ImagePreset.Cifar);
using var optimizer = optim.SGD(network.parameters(), learningRate: 0.02, momentum: 0.9);
var losses = new List<float>();
for (var step = 0; step < Steps; step++)
{
    using var scope = NewDisposeScope();
    optimizer.zero_grad();
    var loss = nn.functional.cross_entropy(network.call(images), labels);
    loss.backward();
    optimizer.step();
    losses.Add(loss.item<float>());
}

Console.WriteLine($"loss {losses[0]:0.0000} -> {losses[^1]:0.0000}");
// Sixteen steps on 32 images that stay the same: from ln 10 = 2.30 of a network that guesses to below it, or nothing was learned.
if (!(losses[^1] < 0.95f * losses[0]))
    return Fail("The loss did not fall.");

network.SaveSafeTensors(file);
using var loaded = MobileNet.FromSafeTensors(file);
network.eval();
loaded.eval();
using (no_grad())
{
    if (!network.call(images).equal(loaded.call(images)).all().item<bool>())
        return Fail("The loaded network predicts something else.");
}

Console.WriteLine($"saved, loaded, the same predictions: {new FileInfo(file).Length:N0} bytes");
return args is [var pictures] && Pictures.Problem(pictures, AppContext.BaseDirectory) is { } problem ? Fail(problem) : 0;

static int Fail(string message)
{
    Console.Error.WriteLine(message);
    return 1;
}
