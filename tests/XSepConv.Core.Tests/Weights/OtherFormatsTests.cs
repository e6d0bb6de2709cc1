using XSepConv.Core.Tests.Parity;
using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Weights;

/// <summary>Files that other programs really write, taken for safetensors by mistake, are called what they are.</summary>
public sealed class OtherFormatsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TorchSharp_s_own_format_is_named()
    {
        using var module = new XSepConv2d(8, 5);
        using var large = new XSepMobileNetV3Small(3, ImagePreset.Cifar);
        using var one = nn.Linear(3, 2, hasBias: false);
        foreach (var saved in new nn.Module[] { module, large, one })
        {
            saved.save(_folder.File("weights.dat"));
            Assert.Contains("TorchSharp's own format", Refusal("weights.dat", module));
        }
    }

    [Fact]
    public async Task Files_of_PyTorch_and_NumPy_are_named()
    {
        var python = await PythonWithTorch.FindAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(python is null, $"There is no Python with torch here; name one in {PythonWithTorch.Variable}.");
        await PythonWithTorch.RunAsync(python!, ["-c", Script, _folder.File("")], TestContext.Current.CancellationToken);
        using var module = nn.Linear(3, 2);
        foreach (var (file, named) in new[]
        {
            ("zip.pth", "checkpoint of PyTorch"), ("legacy.pth", "older versions of PyTorch"), ("script.pt", "checkpoint of PyTorch"), ("state.pkl", "pickle"),
            ("arrays.npz", "NumPy arrays (.npz)"), ("array.npy", "NumPy array (.npy)"), ("weights.gz", "gzip"), ("weights.bz2", "bzip2"), ("weights.xz", "xz"),
            ("weights.tar", "tar archive"),
        })
        {
            Assert.Contains(named, Refusal(file, module));
        }
    }

    private const string Script = """
        import bz2, gzip, lzma, pickle, sys, tarfile
        import numpy, torch
        folder = sys.argv[1]
        module = torch.nn.Linear(3, 2)
        torch.save(module.state_dict(), folder + "/zip.pth")
        torch.save(module.state_dict(), folder + "/legacy.pth", _use_new_zipfile_serialization=False)
        torch.jit.script(module).save(folder + "/script.pt")
        with open(folder + "/state.pkl", "wb") as file:
            pickle.dump({"weight": [1.0, 2.0]}, file)
        numpy.savez(folder + "/arrays.npz", weight=numpy.zeros((2, 3), numpy.float32))
        numpy.save(folder + "/array.npy", numpy.zeros((2, 3), numpy.float32))
        for name, library in (("gz", gzip), ("bz2", bz2), ("xz", lzma)):
            with library.open(folder + "/weights." + name, "wb") as file:
                file.write(bytes(1000))
        with tarfile.open(folder + "/weights.tar", "w") as file:
            file.add(folder + "/array.npy", "array.npy")
        """;

    private string Refusal(string file, nn.Module module)
    {
        var path = _folder.File(file);
        var message = Assert.Throws<InvalidDataException>(() => module.LoadSafeTensors(path)).Message;
        Assert.Equal(message, Assert.Throws<InvalidDataException>(() => MobileNet.FromSafeTensors(path)).Message);
        Assert.Equal(message, Assert.Throws<InvalidDataException>(() => CompiledModel.Load(path)).Message);
        Assert.Contains(path, message);

        // However the file is read.
        using var stream = File.OpenRead(path);
        Assert.Equal(message, Assert.Throws<InvalidDataException>(() => SafeTensors.Read(stream)).Message);
        return message;
    }
}
