using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Benchmarks.Ratios;

/// <summary>Makes contestants compute the same thing.</summary>
internal static class ModuleStates
{
    /// <summary>Copies all parameters and buffers into a module of the same keys, of any dtype.</summary>
    public static void CopyTo(this nn.Module from, nn.Module to)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var source = from.state_dict();
        foreach (var (key, tensor) in to.state_dict()) tensor.copy_(source[key]);
    }

    /// <summary>Scales, shifts and running statistics that are not those of a fresh layer.</summary>
    public static void RandomizeNorms(this nn.Module model)
    {
        using var noGrad = no_grad();
        foreach (var norm in model.modules().OfType<BatchNorm2d>())
        {
            norm.weight.uniform_(0.5, 1.5);
            norm.bias!.normal_(0, 0.3);
            norm.running_mean!.normal_(0, 0.2);
            norm.running_var!.uniform_(0.5, 1.5);
        }
    }
}
