using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// One application of a fused operator: what it is about besides tensors, and its arithmetic, float32 on the CPU.
/// <see cref="FusedFunction"/> makes every one differentiable.
/// </summary>
/// <remarks>
/// <para>Its tensors are x, then weight, scale and shift of each convolution with the batch norm after it, or weight and bias of one
/// without. It keeps them and the statistics, two vectors a batch norm, and recomputes the rest. Second derivatives are taken of the
/// composed operators.</para>
/// <para>Those run, too, where float32's sums of squares do not hold: forward and backward where a statistic leaves their range, backward
/// where a gradient is no number.</para>
/// </remarks>
/// <param name="channels">Of the statistics.</param>
/// <param name="norms">Null for a convolution without.</param>
internal abstract class FusedOperator(int channels, FusedNorm?[] norms)
{
    private bool _isComposed;

    /// <summary>The batch norms, in the order of the convolutions.</summary>
    protected FusedNorm?[] Norms => norms;

    /// <summary>Whether batch norms take the statistics of the batch.</summary>
    protected bool Training { get; } = Array.Exists(norms, norm => norm is { IsFrozen: false });

    /// <summary>Runs the operator, differentiable where a tensor needs a gradient.</summary>
    public Tensor Apply(Tensor[] tensors)
    {
        if (is_grad_enabled() && Array.Exists(tensors, tensor => tensor.requires_grad)) return FusedFunction.Apply(this, tensors);
        var statistics = Training ? NewStatistics() : null;
        var output = Forward(tensors, statistics);

        // The kernels read their memory; until here nothing else may keep them alive.
        GC.KeepAlive(tensors);
        GC.KeepAlive(statistics);
        GC.KeepAlive(this);
        return output;
    }

    /// <summary>
    /// What is kept besides the tensors. Of a stage, for each batch norm i, mean and inverse deviation in rows 2i and 2i + 1: [2 · norms,
    /// C].
    /// </summary>
    public virtual Tensor NewStatistics() => FusedMemory.Empty(2 * norms.Length, channels);

    /// <summary>
    /// Training's forward, or inference's where the operator is not training. What backward needs is written to the statistics; they are
    /// null where nothing is kept of an inference.
    /// </summary>
    public abstract Tensor Forward(IReadOnlyList<Tensor> tensors, Tensor? statistics);

    /// <summary>Gradients of the forward's tensors, from those tensors and, last, the forward's statistics.</summary>
    public Tensor?[] Backward(IReadOnlyList<Tensor> saved, Tensor outputGradient)
    {
        if (!_isComposed)
        {
            var gradients = KernelBackward(saved, outputGradient);
            if (FusedMemory.AreNumbers(gradients)) return gradients;
        }

        using var grad = enable_grad();
        return BackwardComposed(saved, outputGradient, again: false);
    }

    /// <summary>The same, of the composed operators and differentiable again.</summary>
    public Tensor?[] DifferentiableBackward(IReadOnlyList<Tensor> saved, Tensor outputGradient) =>
        BackwardComposed(saved, outputGradient, again: true);

    /// <summary>The gradients as the kernels have them.</summary>
    protected abstract Tensor?[] KernelBackward(IReadOnlyList<Tensor> saved, Tensor outputGradient);

    /// <summary>The composed operators, of tensors of which the first are those of the forward.</summary>
    /// <param name="tensors">Those.</param>
    /// <param name="norm">A map through the batch norm with an index.</param>
    protected abstract Tensor Composed(IReadOnlyList<Tensor> tensors, Func<Tensor, int, Tensor> norm);

    /// <summary>Mean and inverse deviation that a frozen norm had in forward.</summary>
    protected virtual (Tensor Mean, Tensor InverseStd) Running(Tensor statistics, int index) =>
        (statistics[2 * index], statistics[(2 * index) + 1]);

    /// <summary>
    /// Training's forward of the composed operators, where a statistic of the kernels' is out of range. They have left the running ones as
    /// they were, and the batch is counted.
    /// </summary>
    /// <param name="tensors">The forward's.</param>
    /// <param name="momenta">The batch's share in the running statistics, for each norm.</param>
    protected Tensor ForwardComposed(IReadOnlyList<Tensor> tensors, double[] momenta)
    {
        _isComposed = true;
        using var scope = NewDisposeScope();
        return Composed(tensors, (x, i) => nn.functional.batch_norm(
            x, norms[i]!.Module.running_mean, norms[i]!.Module.running_var, tensors[First(i) + 1], tensors[First(i) + 2],
            training: !norms[i]!.IsFrozen, momentum: momenta[i], eps: norms[i]!.Epsilon)).MoveToOuterDisposeScope();
    }

    /// <summary>The place of a convolution's weight; behind it are scale and shift, or the bias.</summary>
    protected int First(int index)
    {
        var first = 1;
        for (var i = 0; i < index; i++) first += norms[i] is null ? 2 : 3;
        return first;
    }

    // Null for tensors that need none. Partial derivatives: what one of the tensors is a function of, another of them perhaps, is not gone
    // into, since views stand for all that have a history.
    private Tensor?[] BackwardComposed(IReadOnlyList<Tensor> saved, Tensor outputGradient, bool again)
    {
        saved = [.. saved.Select(tensor => tensor.requires_grad ? tensor.view(tensor.shape) : tensor)];
        var y = Composed(saved, (x, i) => AsKept(x, saved, i));
        var results = new Tensor?[saved.Count - 1];
        var wanted = Enumerable.Range(0, results.Length).Where(i => saved[i].requires_grad).ToArray();

        // An exception of anomaly detection would end the process; the engine that called looks at what is given in any case.
        using var quiet = autograd.set_detect_anomaly(false);
        var gradients = autograd.grad([y], [.. wanted.Select(i => saved[i])], [outputGradient], retain_graph: again, create_graph: again);
        for (var i = 0; i < wanted.Length; i++) results[wanted[i]] = gradients[i];
        return results;
    }

    // Of this batch, or with what the forward had; the running statistics stay as they are.
    private Tensor AsKept(Tensor x, IReadOnlyList<Tensor> saved, int index)
    {
        var (norm, weight, bias) = (norms[index]!, saved[First(index) + 1], saved[First(index) + 2]);
        if (!norm.IsFrozen) return nn.functional.batch_norm(x, null, null, weight, bias, training: true, momentum: 0, eps: norm.Epsilon);
        var (mean, inverse) = Running(saved[^1], index);
        return ((x - Channels(mean)) * Channels(inverse) * Channels(weight)).Plus(Channels(bias));

        static Tensor Channels(Tensor x) => x.view(1, -1, 1, 1);
    }
}
