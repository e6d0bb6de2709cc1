using static TorchSharp.torch;

namespace XSepConv;

/// <summary>A <see cref="FusedOperator"/> in autograd's graph.</summary>
/// <remarks>
/// <para>No exception may leave a managed <c>backward</c>, it would end the process, and the engine checks the gradients only of inputs
/// that need one. So errors are left to a node of libtorch's, which every backward passes, whichever tensors need gradients: this function
/// (all the arithmetic; its one input is a token) → <c>token · alarm</c> → <see cref="FusedGradients"/> (hands the gradients out).</para>
/// <para>The product keeps the alarm. Where a tensor of ours was changed in place, the alarm is changed in place, too, and the product
/// throws what libtorch throws. What it keeps is freed by a backward that does not retain the graph, and a second one ends there.</para>
/// <para>It asks for more than the composed layers do: that all its tensors stay as they are, not only those that some gradient
/// needs.</para>
/// </remarks>
internal sealed class FusedFunction : autograd.MultiTensorFunction<FusedFunction>
{
    private const string Key = "application";

    public override string Name => nameof(FusedFunction);

    /// <summary>Applies the operator to tensors of which one needs a gradient.</summary>
    public static Tensor Apply(FusedOperator operation, Tensor[] tensors)
    {
        var application = new FusedApplication(operation);
        var token = FusedGradients.Token(application, tensors);
        RequireKept(tensors[0], token);
        return apply(token * application.Alarm!, application, tensors)[0];
    }

    // A tensor made in inference mode can't be kept. A product of none of its values keeps it, too, and so throws what libtorch throws,
    // before the batch is counted.
    private static void RequireKept(Tensor x, Tensor token)
    {
        if (x.requires_grad) return;
        using var none = x.narrow(0, 0, 0);
        using var value = token.narrow(0, 0, 1);
        (none * value).Dispose();
    }

    /// <summary>Takes the token, the application and its tensors.</summary>
    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (application, tensors) = ((FusedApplication)vars[1], (Tensor[])vars[2]);
        var statistics = application.Operator.NewStatistics();
        var output = application.Operator.Forward(tensors, statistics);
        ctx.set_materialize_grads(false);
        ctx.save_data(Key, application);
        ctx.save_for_backward([.. tensors, statistics]);
        application.Saved = ctx;
        return [output];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs) =>
        HandedOver.Return([((FusedApplication)ctx.get_data(Key)).Compute(grad_outputs[0]), null, null]);
}
