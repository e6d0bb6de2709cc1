namespace XSepConv.Kernels;

/// <summary>The stages in one width of vector: picks the kernel compiled for the nonlinearity, and the grouping of planes.</summary>
internal sealed unsafe partial class VectorStageKernels<TLanes, TVector>(string name, bool isAccelerated) : StageKernels
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public override string Name => name;

    public override bool IsAccelerated => isAccelerated;

    // The nonlinearity makes no difference to that.
    public override bool InfersPlanes(in XSepStageShape shape) => XSepPlaneInferWork<TLanes, TVector, IdentityActivation>.Fits(shape);

    protected override void TrainForwardCore(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, in XSepStageStatistics statistics,
        int threads) =>
        ActivationTypes.Run(shape.Activation, new ForwardCall(shape, parameters, input, output, statistics, threads));

    protected override void BackwardCore(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* outputGradient, in XSepStageStatistics statistics,
        in XSepStageGradients gradients, bool frozen, int threads) =>
        ActivationTypes.Run(shape.Activation,
            new BackwardCall(shape, parameters, input, outputGradient, statistics, gradients, frozen, threads));

    protected override void InferCore(in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output,
        int threads) =>
        ActivationTypes.Run(shape.Activation, new InferCall(shape, parameters, input, output, threads));

    private static PlaneGroups TrainingGroups(in XSepStageShape shape) =>
        PlaneGroups.ForTraining(shape.Batch, shape.Channels, shape.Height * shape.Width, TLanes.Count, DirectionOf(shape));

    // Where nothing is padded, blocks of channels need not stop where the direction changes.
    private static PaddingDirection DirectionOf(in XSepStageShape shape) => shape.Prepadded ? PaddingDirection.RightBottom : shape.Padding;

    private readonly struct ForwardCall(
        XSepStageShape shape, XSepStageParameters parameters, float* input, float* output, XSepStageStatistics statistics, int threads)
        : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            var work = new XSepForwardWork<TLanes, TVector, TActivation>
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

    private readonly struct BackwardCall(
        XSepStageShape shape, XSepStageParameters parameters, float* input, float* outputGradient, XSepStageStatistics statistics,
        XSepStageGradients gradients, bool frozen, int threads) : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            var work = new XSepBackwardWork<TLanes, TVector, TActivation>
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

    private readonly struct InferCall(XSepStageShape shape, XSepStageParameters parameters, float* input, float* output, int threads)
        : IActivationCall
    {
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            if (XSepPlaneInferWork<TLanes, TVector, TActivation>.Fits(shape)) RunPlanes<TActivation>();
            else RunGroups<TActivation>();
        }

        private void RunPlanes<TActivation>()
            where TActivation : struct, IActivation
        {
            var work = new XSepPlaneInferWork<TLanes, TVector, TActivation>
            {
                Shape = shape,
                Parameters = parameters,
                Groups = new PlaneGroups(shape.Batch, shape.Channels, TLanes.Count, DirectionOf(shape), lanesAreImages: false),
                Input = input,
                Output = output,
            };
            KernelThreads.Run(work, work.Groups.Items * work.Groups.GroupsPerItem, threads, TLanes.Count);
        }

        private void RunGroups<TActivation>()
            where TActivation : struct, IActivation
        {
            var work = new XSepInferWork<TLanes, TVector, TActivation>
            {
                Shape = shape,
                Parameters = parameters,
                Groups = PlaneGroups.ForInference(shape.Batch, shape.Channels, TLanes.Count, DirectionOf(shape)),
                Input = input,
                Output = output,
            };
            KernelThreads.Run(work, work.Groups.Items * work.Groups.GroupsPerItem, threads, TLanes.Count);
        }
    }
}
