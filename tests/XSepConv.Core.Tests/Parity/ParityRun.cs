using static TorchSharp.torch;

namespace XSepConv.Core.Tests.Parity;

/// <summary>What a module computes, under the names that the Python side uses; all in float64.</summary>
internal static class ParityRun
{
    /// <summary>Outputs and gradients in eval and training mode, then the statistics. The loss is sum(output · weighting).</summary>
    public static Dictionary<string, Tensor> Of(nn.Module<Tensor, Tensor> module, ParityCase which, ScalarType dtype)
    {
        var results = new Dictionary<string, Tensor>();
        using var oneThread = new OneThread();
        module.eval();
        results["eval"] = Backward(module, which, dtype, "eval-", results);
        module.train();
        results["train"] = Backward(module, which, dtype, "", results);
        foreach (var (name, buffer) in module.named_buffers()) results[$"buffer/{name}"] = buffer.detach().to(float64);
        return results;
    }

    private static Tensor Backward(nn.Module<Tensor, Tensor> module, ParityCase which, ScalarType dtype, string prefix, Dictionary<string, Tensor> results)
    {
        module.zero_grad();
        var x = which.DeriveInput().to(dtype).requires_grad_();
        var y = module.call(x);
        (y * which.DeriveWeighting(y.shape).to(dtype)).sum().backward();
        results[$"{prefix}input-gradient"] = x.grad!.to(float64);
        foreach (var (name, parameter) in module.named_parameters())
        {
            results[$"{prefix}gradient/{name}"] = parameter.grad!.to(float64).clone();
        }

        return y.detach().to(float64);
    }
}
