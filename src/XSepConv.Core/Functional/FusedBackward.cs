using System.Diagnostics;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>The frame around a fused operator's backward: no leak, and no exception into native code.</summary>
internal static class FusedBackward
{
    // The engine copies what backward returns after it has returned; the wrappers can go when the next backward of the thread starts.
    [ThreadStatic]
    private static List<Tensor>? s_handedOver;

    /// <summary>
    /// Calls <paramref name="run"/> with the saved tensors and the output's gradient, contiguous (the given one is disposed), for the gradients of
    /// the function's <paramref name="inputs"/> tensors; one more argument followed them.
    /// </summary>
    public static List<Tensor> Run(autograd.AutogradContext ctx, Tensor gradient, int inputs, Func<List<Tensor>, Tensor, Tensor?[]> run)
    {
        s_handedOver?.ForEach(tensor => tensor.Dispose());
        s_handedOver = null;
        List<Tensor> results;
        try
        {
            using var scope = NewDisposeScope();
            scope.Attach(gradient);
            results = [.. run(ctx.get_saved_variables(), RowMajor(gradient)).Select(result => result?.DetachFromDisposeScope()!)];
        }
        catch (Exception exception)
        {
            // A gradient of impossible shape makes the engine raise its own error, which reaches the caller of backward() as an exception.
            Trace.TraceError($"The backward of a fused XSepConv operator failed: {exception}");
            results = [.. Enumerable.Repeat<Tensor>(null!, inputs)];
            results[0] = empty(0).DetachFromDisposeScope();
        }

        s_handedOver = [.. results.Where(result => result is not null)];
        results.Add(null!);
        return results;
    }

    private static Tensor RowMajor(Tensor gradient) => gradient.is_contiguous() ? gradient : gradient.contiguous();
}
