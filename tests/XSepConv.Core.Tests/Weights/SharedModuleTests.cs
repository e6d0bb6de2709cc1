using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XSepConv.Core.Tests.Weights;

/// <summary>Modules that stand in several places of a tree: tensors and settings are filed under one and the same.</summary>
public sealed class SharedModuleTests
{
    [Fact]
    public void Settings_are_filed_where_the_tensors_are()
    {
        using var folder = new TemporaryFolder();
        for (var seed = 0; seed < 30; seed++)
        {
            using var scope = NewDisposeScope();
            var (path, network) = (folder.File($"{seed}.safetensors"), Tree(seed, 0.25));
            network.SaveSafeTensors(path);
            using var file = SafeTensors.Open(path);
            var (keys, settings) = (file.Tensors.Keys.ToList(), ModuleSettings.Read(file, path)!.ByPath.Keys.ToList());
            Assert.NotEmpty(settings);
            Assert.All(settings, at => Assert.Contains(keys, key => key.StartsWith($"{at}.", StringComparison.Ordinal)));

            // Strict or not, a load takes over the same.
            foreach (var strict in new[] { true, false })
            {
                var other = Tree(seed, 1e-5);
                other.LoadSafeTensors(path, new SafeTensorsLoadOptions { Strict = strict });
                Assert.All(other.modules().OfType<BatchNorm1d>(), norm => Assert.Equal(0.25, norm.eps));
            }
        }
    }

    // Ten containers and norms, each put into containers that came before it; some into several.
    private static Sequential Tree(int seed, double epsilon)
    {
        var random = new Random(seed);
        List<Sequential> containers = [Sequential()];
        for (var i = 0; i < 10; i++)
        {
            Module<Tensor, Tensor> part = random.Next(2) == 0 ? Sequential() : BatchNorm1d(2, eps: epsilon);
            if (i == 0) part = BatchNorm1d(2, eps: epsilon);
            var parents = containers.OrderBy(_ => random.Next()).Take(1 + random.Next(3)).ToList();
            foreach (var parent in parents) parent.append($"m{i}", part);
            if (part is Sequential container) containers.Add(container);
        }

        return containers[0];
    }
}
