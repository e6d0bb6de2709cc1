using static TorchSharp.torch;

namespace XSepConv.Onnx;

/// <summary>Reads tensors.</summary>
internal static class TensorValues
{
    /// <summary>The values in double precision, row-major, whatever the tensor's device, type and strides.</summary>
    public static double[] Of(Tensor tensor)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return tensor.detach().cpu().to(float64).contiguous().data<double>().ToArray();
    }
}
