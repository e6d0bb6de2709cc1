using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Batch norms whose <c>num_batches_tracked</c> stays an integer.</summary>
/// <remarks>
/// TorchSharp's constructors give the counter the dtype of the weights: PyTorch's files do not fit it then, and in bfloat16 it stops at
/// 256. Its conversions leave the counter alone, as PyTorch's do.
/// </remarks>
internal static class BatchNorms
{
    public static BatchNorm2d Of(long channels, Device? device, ScalarType? dtype) =>
        nn.BatchNorm2d(channels, device: device).to(dtype ?? ScalarType.Float32);

    public static BatchNorm1d OfFeatures(long features, Device? device, ScalarType? dtype) =>
        nn.BatchNorm1d(features, device: device).to(dtype ?? ScalarType.Float32);
}
