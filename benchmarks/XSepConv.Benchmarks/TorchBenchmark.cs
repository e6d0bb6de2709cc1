using System.Globalization;
using TorchSharp;
using XSepConv.Cli.Startup;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks;

/// <summary>What is timed.</summary>
public enum Pass
{
    /// <summary>Evaluation mode, no gradients.</summary>
    Forward,

    /// <summary>Training mode, gradients of the input and of every parameter.</summary>
    ForwardBackward,
}

/// <summary>Two modules on the same input. BenchmarkDotNet starts a process for each case, which is set up here.</summary>
public abstract class TorchBenchmark
{
    internal const string ThreadsVariable = "XSEPCONV_BENCHMARK_THREADS";

    private Tensor _input = null!;
    private Tensor[] _parameters = null!;
    private Pass _pass;
    private bool _cuda;
    private nn.Module<Tensor, Tensor> _module = null!;

    /// <summary>The devices of this machine, by torch's names.</summary>
    public static IEnumerable<string> Devices => cuda.is_available() ? ["cpu", "cuda"] : ["cpu"];

    /// <summary>Prepares the process, the module and its input.</summary>
    private protected void SetUp(nn.Module<Tensor, Tensor> module, string device, Pass pass, params long[] shape)
    {
        GlibcAllocator.KeepFreedMemory();
        Nnpack.SwitchOffWhereUnsupported();
        set_num_threads(int.Parse(Environment.GetEnvironmentVariable(ThreadsVariable) ?? "1", CultureInfo.InvariantCulture));
        random.manual_seed(1);
        _pass = pass;
        _cuda = device == "cuda";
        _module = module.to(device);
        _module.train(pass == Pass.ForwardBackward);
        _input = randn(shape, device: device);
        _input.requires_grad = pass == Pass.ForwardBackward;
        _parameters = [_input, .. _module.parameters()];
    }

    /// <summary>One pass, done when it returns (also on CUDA).</summary>
    private protected void Step()
    {
        using var scope = NewDisposeScope();
        if (_pass == Pass.Forward)
        {
            using var noGrad = no_grad();
            _module.call(_input);
        }
        else
        {
            var y = _module.call(_input);
            autograd.grad([y], _parameters, [ones_like(y)]);
        }
        if (_cuda)
            cuda.synchronize();
    }
}
