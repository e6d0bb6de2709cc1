namespace XSepConv.Kernels;

/// <summary>One block in training, in one width of vector.</summary>
/// <remarks>
/// Wide maps are stored raw, as the convolutions give them; norms, activations and gates are applied where a map is read, in cache, and
/// undone there in backward. Nothing walks through memory but what the convolutions read and write.
/// </remarks>
internal readonly unsafe partial struct BlockTraining<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private readonly BlockTrainingShape _shape;
    private readonly BlockParameters _parameters;
    private readonly BlockMemory<TLanes, TVector> _kept;
    private readonly int _threads;

    private BlockTraining(in BlockTrainingShape shape, in BlockParameters parameters, float* kept, int threads)
    {
        (_shape, _parameters, _threads) = (shape, parameters, threads);
        if (shape.SkipsExpansion) _parameters.Expand.Norm = new() { Frozen = true };
        var layout = new ScratchLayout(kept, TLanes.Count);
        _kept = new(ref layout, shape);
    }

    /// <summary>Floats that are kept, that forward needs besides, and that backward does.</summary>
    public static (long Kept, long Forward, long Backward) Sizes(in BlockTrainingShape shape)
    {
        ScratchLayout kept = new(null, TLanes.Count), forward = new(null, TLanes.Count), backward = new(null, TLanes.Count);
        var memory = new BlockMemory<TLanes, TVector>(ref kept, shape);
        _ = new BlockForwardMemory<TLanes, TVector>(ref forward, shape, memory);
        _ = new BlockBackwardMemory<TLanes, TVector>(ref backward, shape, memory);
        return (kept.Taken, forward.Taken, backward.Taken);
    }

    public static bool Forward(
        in BlockTrainingShape shape, in BlockParameters parameters, float* input, float* output, float* kept, float* work, int threads)
    {
        var training = new BlockTraining<TLanes, TVector>(shape, parameters, kept, threads);
        var layout = new ScratchLayout(work, TLanes.Count);
        var memory = new BlockForwardMemory<TLanes, TVector>(ref layout, shape, training._kept);
        var norms = training.Norms();
        foreach (var (norm, of, _) in norms)
        {
            norm.Clear();
            if (of.Frozen) norm.Freeze(of);
        }

        ActivationTypes.Run(shape.Activation, new ForwardCall(training, memory, input, output));
        if (shape.HasSqueeze && !training._kept.SqueezeExcite.IsPlain()) return false;
        norms.RemoveAll(entry => entry.Parameters.Frozen);
        if (!norms.TrueForAll(entry => entry.Norm.IsPlain())) return false;
        foreach (var (norm, of, count) in norms) norm.UpdateRunning(of, count);
        return true;
    }

    public static void Backward(
        in BlockTrainingShape shape, in BlockParameters parameters, float* input, float* outputGradient, float* kept, float* work,
        in BlockGradients gradients, int threads)
    {
        var training = new BlockTraining<TLanes, TVector>(shape, parameters, kept, threads);
        var layout = new ScratchLayout(work, TLanes.Count);
        var memory = new BlockBackwardMemory<TLanes, TVector>(ref layout, shape, training._kept);
        ActivationTypes.Run(shape.Activation, new BackwardCall(training, memory, gradients, input, outputGradient));
    }

    private BatchNormParameters SpatialNorm => _shape.IsSeparated ? _parameters.Vertical.Norm : _parameters.Spatial.Norm;

    /// <summary>All norms, with their parameters and how many values of a channel each of them sees.</summary>
    private List<(MapNorm Norm, BatchNormParameters Parameters, long Count)> Norms()
    {
        long input = (long)_shape.Batch * _shape.Plane, output = (long)_shape.Batch * _shape.OutputPlane;
        List<(MapNorm, BatchNormParameters, long)> norms =
            [(_kept.Expand, _parameters.Expand.Norm, (long)_shape.Batch * _shape.ExpandedPlane)];
        if (_shape.HasTwoByTwo) norms.Add((_kept.Spatial.First, _parameters.Spatial.Norm, input));
        if (_shape.IsSeparated)
        {
            norms.Add((_kept.Spatial.Second, _parameters.Horizontal.Norm, (long)_shape.Batch * _shape.XSep.MiddlePlane));
        }

        norms.Add((_kept.Spatial.Third, SpatialNorm, output));
        norms.Add((_kept.Project, _parameters.Project.Norm, output));
        if (_shape.HasShortcutConvolution) norms.Add((_kept.Shortcut, _parameters.Shortcut.Norm, output));
        if (!_shape.HasSqueeze) return norms;
        norms.Add((_kept.SqueezeExcite.Squeeze, _parameters.Squeeze.Norm, _shape.Batch));
        norms.Add((_kept.SqueezeExcite.Excite, _parameters.Excite.Norm, _shape.Batch));
        return norms;
    }
}
