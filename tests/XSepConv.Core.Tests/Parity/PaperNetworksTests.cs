using XSepConv.Core.Tests.Inference;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Parity;

/// <summary>The rows of two papers against torchvision's blocks of the same weights (<c>papers.py</c>).</summary>
public sealed class PaperNetworksTests
{
    // Two float64 runs of some fifty layers, 1e-16 an operation; batch norm over a handful of values amplifies in training mode.
    private const double Float64 = 1e-10, Training = 1e-8;

    // Relative to the largest logit, as CompiledNetworkTests derives it.
    private const double Compiled = 1e-4;

    public static TheoryData<string> Names => [.. PaperNetworks.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Modules_and_runtime_compute_what_torchvision_does(string name)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var python = await PythonWithTorch.FindAsync(cancellation);
        Assert.SkipWhen(python is null, "This comparison needs a Python with torch and torchvision (apt-get install python3-torchvision).");
        var folder = Directory.CreateTempSubdirectory("xsepconv-papers-");
        try
        {
            using var oneThread = new OneThread();
            using var network = RandomNetworks.Create(PaperNetworks.Of(name), 3);
            network.SaveSafeTensors(Path.Combine(folder.FullName, "network.safetensors"));
            random.manual_seed(4);
            using var images = randn(4, 3, 96, 64);
            using var exact = images.to(float64);
            SafeTensors.Write(Path.Combine(folder.FullName, "input.safetensors"), [TensorBytes.Read("input", exact)]);
            try
            {
                await PythonWithTorch.RunAsync(python!, [RepositoryFiles.Script("papers.py"), folder.FullName], cancellation);
            }
            catch (InvalidOperationException e) when (e.Message.Contains("No module named 'torchvision'", StringComparison.Ordinal))
            {
                Assert.Skip("This comparison needs torchvision (apt-get install python3-torchvision).");
            }

            using var scope = NewDisposeScope();
            var expected = GoldenFile.Read(Path.Combine(folder.FullName, "logits.safetensors"));
            using var noGrad = no_grad();
            Close("eval", expected["eval"], network.call(images.to(float64)), Float64);
            foreach (var kernel in KernelRegistry.Available.Select(kernels => kernels.Name))
            {
                var model = network.Compile(null, kernel);
                using var session = model.CreateSession(4, 1, 96, 64);
                var logits = new float[4 * model.Spec.NumClasses];
                session.Run(images.contiguous().data<float>().ToArray(), logits);
                Close(kernel, expected["eval"], tensor(logits).view(4, -1).to(float64), Compiled);
            }

            network.train();
            Close("train", expected["train"], network.call(images.to(float64)), Training);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Close(string what, Tensor expected, Tensor actual, double tolerance)
    {
        var (scale, difference) = (expected.abs().max().item<double>(), (expected - actual).abs().max().item<double>());
        Assert.True(difference <= tolerance * scale, $"{what}: off by {difference:E2} of {scale:E2}, allowed is {tolerance:E0} of it");
    }
}
