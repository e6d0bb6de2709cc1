using static TorchSharp.torch;

namespace XSepConv;

/// <summary>Gradients on their way to the engine: it copies what a backward returns after that has returned.</summary>
internal static class HandedOver
{
    [ThreadStatic]
    private static List<Tensor>? s_tensors;

    /// <summary>Keeps the gradients until the thread comes here again.</summary>
    public static List<Tensor> Return(Tensor?[] gradients)
    {
        Release();
        s_tensors = [.. gradients.OfType<Tensor>()];
        return [.. gradients.Select(gradient => gradient!)];
    }

    private static void Release()
    {
        s_tensors?.ForEach(tensor => tensor.Dispose());
        s_tensors = null;
    }
}
