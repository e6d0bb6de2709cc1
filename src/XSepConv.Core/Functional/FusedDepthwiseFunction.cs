using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>What one application of <see cref="FusedDepthwiseFunction"/> is about, besides tensors. Forward and backward run in the same width.</summary>
internal sealed record FusedDepthwiseCall(DepthwiseStageShape Shape, StageKernels Kernels, FusedNorm Norm, bool Training);

/// <summary>The depthwise stage as one differentiable operator: float32 on the CPU.</summary>
/// <remarks>
/// It keeps the input, the parameters and two vectors, and recomputes the rest. Second derivatives are taken of the composed operators.
/// As in <see cref="FusedXSepFunction"/>, no exception leaves <see cref="backward"/>.
/// </remarks>
internal sealed class FusedDepthwiseFunction : autograd.MultiTensorFunction<FusedDepthwiseFunction>
{
    private const string CallKey = "call";
    private const int Inputs = 4;

    public override string Name => nameof(FusedDepthwiseFunction);

    /// <summary>Takes x, weight, scale and shift, then the <see cref="FusedDepthwiseCall"/>.</summary>
    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var tensors = vars.Take(Inputs).Cast<Tensor>().ToArray();
        var call = (FusedDepthwiseCall)vars[Inputs];
        var statistics = empty(2, call.Shape.Channels);
        var output = FusedDepthwise.Forward(call, tensors, statistics);
        ctx.save_data(CallKey, call);
        ctx.save_for_backward([.. tensors, statistics]);
        return [output];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs) =>
        FusedBackward.Run(ctx, grad_outputs[0], Inputs, (saved, gradient) =>
        {
            var call = (FusedDepthwiseCall)ctx.get_data(CallKey);
            return is_grad_enabled() ? FusedDepthwise.DifferentiableBackward(call, saved, gradient) : FusedDepthwise.Backward(call, saved, gradient);
        });
}
