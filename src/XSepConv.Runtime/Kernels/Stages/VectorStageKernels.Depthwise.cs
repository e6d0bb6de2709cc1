namespace XSepConv.Kernels;

// The depthwise stage: compiled for the stride and the nonlinearity. K is a loop: three taps at a time are as fast as all of them.
internal sealed unsafe partial class VectorStageKernels<TLanes, TVector>
{
    protected override void TrainForwardCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output,
        in BatchNormStatistics statistics,
        int threads) =>
        Dispatch(shape.Activation, new DepthwiseForwardCall(shape, parameters, input, output, statistics, threads));

    protected override void BackwardCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* outputGradient,
        in BatchNormStatistics statistics,
        in DepthwiseStageGradients gradients, bool frozen, int threads) =>
        Dispatch(shape.Activation,
            new DepthwiseBackwardCall(shape, parameters, input, outputGradient, statistics, gradients, frozen, threads));

    protected override void InferCore(
        in DepthwiseStageShape shape, in DepthwiseStageParameters parameters, float* input, float* output, int threads) =>
        Dispatch(shape.Activation, new DepthwiseInferCall(shape, parameters, input, output, threads));

    private static void Dispatch<TCall>(Activation? activation, in TCall call)
        where TCall : struct, IActivationCall
    {
        if (activation is { } some) ActivationTypes.Run(some, call);
        else call.Run<IdentityActivation>();
    }

    // Every side is padded alike: blocks of channels need not stop anywhere.
    private static PlaneGroups TrainingGroups(in DepthwiseStageShape shape) =>
        PlaneGroups.ForTraining(shape.Batch, shape.Channels, shape.InputPlane, TLanes.Count, PaddingDirection.RightBottom);

    private readonly struct DepthwiseForwardCall(
        DepthwiseStageShape shape, DepthwiseStageParameters parameters, float* input, float* output, BatchNormStatistics statistics,
        int threads)
        : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            if (shape.Stride == 1) Run<Stride1, TActivation>();
            else Run<Stride2, TActivation>();
        }

        private void Run<TStride, TActivation>()
            where TStride : struct, IStride
            where TActivation : struct, IActivation
        {
            var work = new DepthwiseForwardWork<TLanes, TVector, TStride, TActivation>
            {
                Shape = shape,
                Parameters = parameters,
                Statistics = statistics,
                Groups = TrainingGroups(shape),
                Input = input,
                Output = output,
            };
            KernelThreads.Run(work, work.Groups.Items, threads, TLanes.Count);
        }
    }

    private readonly struct DepthwiseBackwardCall(
        DepthwiseStageShape shape, DepthwiseStageParameters parameters, float* input, float* outputGradient, BatchNormStatistics statistics,
        DepthwiseStageGradients gradients, bool frozen, int threads) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            if (shape.Stride == 1) Run<Stride1, TActivation>();
            else Run<Stride2, TActivation>();
        }

        private void Run<TStride, TActivation>()
            where TStride : struct, IStride
            where TActivation : struct, IActivation
        {
            var work = new DepthwiseBackwardWork<TLanes, TVector, TStride, TActivation>
            {
                Shape = shape,
                Parameters = parameters,
                Statistics = statistics,
                Gradients = gradients,
                Groups = TrainingGroups(shape),
                Input = input,
                OutputGradient = outputGradient,
                Frozen = frozen,
            };
            KernelThreads.Run(work, work.Groups.Items, threads, TLanes.Count);
        }
    }

    private readonly struct DepthwiseInferCall(
        DepthwiseStageShape shape, DepthwiseStageParameters parameters, float* input, float* output, int threads) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            if (shape.Stride == 1) Run<Stride1, TActivation>();
            else Run<Stride2, TActivation>();
        }

        private void Run<TStride, TActivation>()
            where TStride : struct, IStride
            where TActivation : struct, IActivation
        {
            var work = new DepthwiseInferWork<TLanes, TVector, TStride, TActivation>
            {
                Shape = shape,
                Parameters = parameters,
                Groups = PlaneGroups.ForInference(shape.Batch, shape.Channels, TLanes.Count, PaddingDirection.RightBottom),
                Input = input,
                Output = output,
            };
            KernelThreads.Run(work, work.Groups.Items * work.Groups.GroupsPerItem, threads, TLanes.Count);
        }
    }
}
