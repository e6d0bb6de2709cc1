namespace XSepConv.Kernels;

// The depthwise stage: compiled for the stride and the nonlinearity. K is a loop: three taps at a time are as fast as all of them.
internal sealed unsafe partial class VectorStageKernels<TLanes, TVector>
{
    protected override void TrainForwardCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output, in BatchNormStatistics statistics, int threads) =>
        Dispatch(shape, new DepthwiseForwardCall(parameters, input, output, statistics, threads));

    protected override void BackwardCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* outputGradient, in BatchNormStatistics statistics,
        in DepthwiseStageGradients gradients, bool frozen, int threads) =>
        Dispatch(shape, new DepthwiseBackwardCall(parameters, input, outputGradient, statistics, gradients, frozen, threads));

    protected override void InferCore(in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output, int threads) =>
        Dispatch(shape, new DepthwiseInferCall(parameters, input, output, threads));

    private static void Dispatch<TCall>(in DepthwiseStageShape shape, in TCall call)
        where TCall : struct, IDepthwiseCall
    {
        var strided = new StrideCall<TCall>(shape, call);
        if (shape.Activation is { } activation) ActivationTypes.Run(activation, strided);
        else strided.Run<IdentityActivation>();
    }

    private readonly struct StrideCall<TCall>(in DepthwiseStageShape shape, in TCall call) : IActivationCall
        where TCall : struct, IDepthwiseCall
    {
        private readonly DepthwiseStageShape _shape = shape;
        private readonly TCall _call = call;

        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            if (_shape.Stride == 1) _call.Run<Stride1, TActivation>(_shape);
            else _call.Run<Stride2, TActivation>(_shape);
        }
    }

    // Every side is padded alike: blocks of channels need not stop anywhere.
    private static PlaneGroups TrainingGroups(in DepthwiseStageShape shape) =>
        PlaneGroups.ForTraining(shape.Batch, shape.Channels, shape.InputPlane, TLanes.Count, PaddingDirection.RightBottom);

    private interface IDepthwiseCall
    {
        void Run<TStride, TActivation>(in DepthwiseStageShape shape)
            where TStride : struct, IStride
            where TActivation : struct, IActivation;
    }

    private readonly struct DepthwiseForwardCall(
        in DepthwiseStageParameters parameters, float* input, float* output, in BatchNormStatistics statistics, int threads) : IDepthwiseCall
    {
        private readonly DepthwiseStageParameters _parameters = parameters;
        private readonly BatchNormStatistics _statistics = statistics;

        public void Run<TStride, TActivation>(in DepthwiseStageShape shape)
            where TStride : struct, IStride
            where TActivation : struct, IActivation
        {
            var work = new DepthwiseForwardWork<TLanes, TVector, TStride, TActivation>
            {
                Shape = shape,
                Parameters = _parameters,
                Statistics = _statistics,
                Groups = TrainingGroups(shape),
                Input = input,
                Output = output,
            };
            KernelThreads.Run(work, work.Groups.Items, threads);
        }
    }

    private readonly struct DepthwiseBackwardCall(
        in DepthwiseStageParameters parameters, float* input, float* outputGradient, in BatchNormStatistics statistics,
        in DepthwiseStageGradients gradients, bool frozen, int threads) : IDepthwiseCall
    {
        private readonly DepthwiseStageParameters _parameters = parameters;
        private readonly BatchNormStatistics _statistics = statistics;
        private readonly DepthwiseStageGradients _gradients = gradients;

        public void Run<TStride, TActivation>(in DepthwiseStageShape shape)
            where TStride : struct, IStride
            where TActivation : struct, IActivation
        {
            var work = new DepthwiseBackwardWork<TLanes, TVector, TStride, TActivation>
            {
                Shape = shape,
                Parameters = _parameters,
                Statistics = _statistics,
                Gradients = _gradients,
                Groups = TrainingGroups(shape),
                Input = input,
                OutputGradient = outputGradient,
                Frozen = frozen,
            };
            KernelThreads.Run(work, work.Groups.Items, threads);
        }
    }

    private readonly struct DepthwiseInferCall(in DepthwiseStageParameters parameters, float* input, float* output, int threads) : IDepthwiseCall
    {
        private readonly DepthwiseStageParameters _parameters = parameters;

        public void Run<TStride, TActivation>(in DepthwiseStageShape shape)
            where TStride : struct, IStride
            where TActivation : struct, IActivation
        {
            var work = new DepthwiseInferWork<TLanes, TVector, TStride, TActivation>
            {
                Shape = shape,
                Parameters = _parameters,
                Groups = PlaneGroups.ForInference(shape.Batch, shape.Channels, TLanes.Count, PaddingDirection.RightBottom),
                Input = input,
                Output = output,
            };
            KernelThreads.Run(work, work.Groups.Items * work.Groups.GroupsPerItem, threads);
        }
    }
}
