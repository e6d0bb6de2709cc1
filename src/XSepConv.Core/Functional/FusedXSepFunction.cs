using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>What one application of <see cref="FusedXSepFunction"/> is about, besides tensors. Forward and backward run in the same width.</summary>
internal sealed record FusedXSepCall(XSepStageShape Shape, StageKernels Kernels, FusedNorm First, FusedNorm Second, FusedNorm Third, bool Training);

/// <summary>The XSepConv stage as one differentiable operator: float32 on the CPU.</summary>
/// <remarks>
/// It keeps the input, the parameters and six vectors, and recomputes the rest. Second derivatives are taken of the composed operators.
/// An exception that left <see cref="backward"/> would end the process: everything is checked before <see cref="forward"/>, and what can still
/// happen (no memory, a tensor changed in place) becomes an error of the engine, see <see cref="FusedBackward"/>.
/// </remarks>
internal sealed class FusedXSepFunction : autograd.MultiTensorFunction<FusedXSepFunction>
{
    private const string CallKey = "call";
    private const int Inputs = 10;

    public override string Name => nameof(FusedXSepFunction);

    /// <summary>Takes x, then weight, scale and shift of each of the three convolutions, then the <see cref="FusedXSepCall"/>.</summary>
    public override unsafe List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var tensors = vars.Take(Inputs).Cast<Tensor>().ToArray();
        var call = (FusedXSepCall)vars[Inputs];
        var statistics = empty(6, call.Shape.Channels);
        var output = FusedXSep.Forward(call, tensors, statistics);
        ctx.save_data(CallKey, call);
        ctx.save_for_backward([.. tensors, statistics]);
        return [output];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs) =>
        FusedBackward.Run(ctx, grad_outputs[0], Inputs, (saved, gradient) =>
        {
            var call = (FusedXSepCall)ctx.get_data(CallKey);
            return is_grad_enabled() ? FusedXSep.DifferentiableBackward(call, saved, gradient) : FusedXSep.Backward(call, saved, gradient);
        });
}
