using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv.Onnx.Tests;

/// <summary>Modules as training leaves them: every weight and statistic its own, none 0 or 1.</summary>
internal static class Randomised
{
    public static T Eval<T>(T module, int seed) where T : nn.Module<Tensor, Tensor>
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        random.manual_seed(seed);
        foreach (var part in module.modules())
        {
            switch (part)
            {
                case BatchNorm norm:
                    if (norm.weight is { } scale) nn.init.uniform_(scale, 0.5, 1.5);
                    if (norm.bias is { } shift) nn.init.normal_(shift, 0, 0.3);
                    norm.running_mean!.copy_(randn_like(norm.running_mean) * 0.3);
                    norm.running_var!.copy_(rand_like(norm.running_var) + 0.5);
                    break;
                case LayerNorm or GroupNorm:
                    foreach (var (name, parameter) in part.named_parameters(recurse: false))
                    {
                        nn.init.normal_(parameter, name == "bias" ? 0 : 1, 0.3);
                    }

                    break;
                case Linear linear:
                    nn.init.normal_(linear.weight, 0, 0.05);
                    if (linear.bias is { } bias) nn.init.normal_(bias, 0, 0.1);
                    break;
            }
        }

        module.eval();
        return module;
    }
}
