using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The last node of a fused operator's backward: hands out what <see cref="FusedFunction"/> has computed.</summary>
internal sealed class FusedGradients : autograd.MultiTensorFunction<FusedGradients>
{
    private const string Key = "application";

    public override string Name => nameof(FusedGradients);

    /// <summary>A token that stands for all of the tensors, and the application's alarm.</summary>
    public static Tensor Token(FusedApplication application, Tensor[] tensors)
    {
        application.Alarm = ones(FusedApplication.TokenSize, dtype: ScalarType.Float32, device: CPU);
        return apply([.. tensors, application])[0];
    }

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var application = (FusedApplication)vars[^1];
        application.Inputs = vars.Length - 1;
        ctx.set_materialize_grads(false);
        ctx.save_data(Key, application);
        ctx.save_for_backward([application.Alarm!]);
        application.SavedAlarm = ctx;
        return [zeros(FusedApplication.TokenSize, dtype: ScalarType.Float32, device: CPU)];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs) =>
        HandedOver.Return([.. ((FusedApplication)ctx.get_data(Key)).HandOut(grad_outputs[0]), null]);
}
