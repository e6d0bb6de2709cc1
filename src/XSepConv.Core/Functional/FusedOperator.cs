using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// One application of a fused operator: what it is about besides tensors, and its arithmetic, float32 on the CPU.
/// <see cref="FusedFunction"/> makes every one differentiable.
/// </summary>
/// <remarks>
/// Its tensors are x, then weight, scale and shift of each convolution with the batch norm after it, or weight and bias of one without.
/// It keeps them and the statistics, two vectors a batch norm, and recomputes the rest. Second derivatives are taken of the composed
/// operators.
/// </remarks>
internal abstract class FusedOperator(int channels, int norms, bool training)
{
    /// <summary>Whether batch norms take the statistics of the batch.</summary>
    protected bool Training => training;

    /// <summary>Runs the operator, differentiable where a tensor needs a gradient.</summary>
    public Tensor Apply(Tensor[] tensors)
    {
        if (is_grad_enabled() && Array.Exists(tensors, tensor => tensor.requires_grad)) return FusedFunction.Apply(this, tensors);
        var output = Forward(tensors, training ? NewStatistics() : null);

        // The kernels read where they lie, which no one else may hold.
        GC.KeepAlive(tensors);
        GC.KeepAlive(this);
        return output;
    }

    /// <summary>
    /// What is kept besides the tensors. Of a stage, for each batch norm i, mean and inverse deviation in rows 2i and 2i + 1: [2 · norms,
    /// C].
    /// </summary>
    public virtual Tensor NewStatistics() => FusedMemory.Empty(2 * norms, channels);

    /// <summary>
    /// Training's forward, or inference's where the operator is not training. What backward needs is written to the statistics; they are
    /// null where nothing is kept of an inference.
    /// </summary>
    public abstract Tensor Forward(IReadOnlyList<Tensor> tensors, Tensor? statistics);

    /// <summary>Gradients of the forward's tensors, from those tensors and, last, the forward's statistics.</summary>
    public abstract Tensor?[] Backward(IReadOnlyList<Tensor> saved, Tensor outputGradient);

    /// <summary>
    /// The same, of the composed operators and differentiable again: <see cref="FusedDifferentiation.Backward"/> calls it with views of
    /// the tensors.
    /// </summary>
    public abstract Tensor?[] DifferentiableBackward(IReadOnlyList<Tensor> saved, Tensor outputGradient);
}
