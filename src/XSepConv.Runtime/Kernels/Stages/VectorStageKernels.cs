namespace XSepConv.Kernels;

/// <summary>The stages in one width of vector: picks the compiled kernel for K and nonlinearity, and the grouping of planes.</summary>
internal sealed unsafe partial class VectorStageKernels<TLanes, TVector>(string name, bool isAccelerated) : StageKernels
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    public override string Name => name;

    public override int Lanes => TLanes.Count;

    public override bool IsAccelerated => isAccelerated;

    // The nonlinearity makes no difference to that.
    public override bool InfersPlanes(in XSepStageShape shape) => XSepPlaneInferWork<TLanes, TVector, IdentityActivation>.Fits(shape);

    protected override void TrainForwardCore(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, in XSepStageStatistics statistics, int threads) =>
        Dispatch(shape, new ForwardCall(parameters, input, output, statistics, threads));

    protected override void BackwardCore(
        in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* outputGradient, in XSepStageStatistics statistics,
        in XSepStageGradients gradients, bool frozen, int threads) =>
        Dispatch(shape, new BackwardCall(parameters, input, outputGradient, statistics, gradients, frozen, threads));

    protected override void InferCore(in XSepStageShape shape, in XSepStageParameters parameters, float* input, float* output, int threads) =>
        Dispatch(shape, new InferCall(parameters, input, output, threads));

    private static void Dispatch<TCall>(in XSepStageShape shape, in TCall call)
        where TCall : struct, ICall => ActivationTypes.Run(shape.Activation, new KernelCall<TCall>(shape, call));

    private readonly struct KernelCall<TCall>(in XSepStageShape shape, in TCall call) : IActivationCall
        where TCall : struct, ICall
    {
        private readonly XSepStageShape _shape = shape;
        private readonly TCall _call = call;

        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            switch (_shape.Kernel)
            {
                case 3: _call.Run<Kernel3, TActivation>(_shape); break;
                case 5: _call.Run<Kernel5, TActivation>(_shape); break;
                case 7: _call.Run<Kernel7, TActivation>(_shape); break;
                case 9: _call.Run<Kernel9, TActivation>(_shape); break;
                default: _call.Run<KernelAny, TActivation>(_shape); break;
            }
        }
    }

    private static PlaneGroups TrainingGroups(in XSepStageShape shape) =>
        PlaneGroups.ForTraining(shape.Batch, shape.Channels, shape.Height * shape.Width, TLanes.Count, DirectionOf(shape));

    // Where nothing is padded, blocks of channels need not stop where the direction changes.
    private static PaddingDirection DirectionOf(in XSepStageShape shape) => shape.Prepadded ? PaddingDirection.RightBottom : shape.Padding;

    private interface ICall
    {
        void Run<TKernel, TActivation>(in XSepStageShape shape)
            where TKernel : struct, IKernelSize
            where TActivation : struct, IActivation;
    }

    private readonly struct ForwardCall(in XSepStageParameters parameters, float* input, float* output, in XSepStageStatistics statistics, int threads) : ICall
    {
        private readonly XSepStageParameters _parameters = parameters;
        private readonly XSepStageStatistics _statistics = statistics;

        public void Run<TKernel, TActivation>(in XSepStageShape shape)
            where TKernel : struct, IKernelSize
            where TActivation : struct, IActivation
        {
            var work = new XSepForwardWork<TLanes, TVector, TKernel, TActivation>
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

    private readonly struct BackwardCall(
        in XSepStageParameters parameters, float* input, float* outputGradient, in XSepStageStatistics statistics, in XSepStageGradients gradients,
        bool frozen, int threads) : ICall
    {
        private readonly XSepStageParameters _parameters = parameters;
        private readonly XSepStageStatistics _statistics = statistics;
        private readonly XSepStageGradients _gradients = gradients;

        public void Run<TKernel, TActivation>(in XSepStageShape shape)
            where TKernel : struct, IKernelSize
            where TActivation : struct, IActivation
        {
            var work = new XSepBackwardWork<TLanes, TVector, TKernel, TActivation>
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

    private readonly struct InferCall(in XSepStageParameters parameters, float* input, float* output, int threads) : ICall
    {
        private readonly XSepStageParameters _parameters = parameters;

        public void Run<TKernel, TActivation>(in XSepStageShape shape)
            where TKernel : struct, IKernelSize
            where TActivation : struct, IActivation
        {
            if (XSepPlaneInferWork<TLanes, TVector, TActivation>.Fits(shape)) RunPlanes<TActivation>(shape);
            else RunGroups<TKernel, TActivation>(shape);
        }

        private void RunPlanes<TActivation>(in XSepStageShape shape)
            where TActivation : struct, IActivation
        {
            var work = new XSepPlaneInferWork<TLanes, TVector, TActivation>
            {
                Shape = shape,
                Parameters = _parameters,
                Groups = new PlaneGroups(shape.Batch, shape.Channels, TLanes.Count, DirectionOf(shape), lanesAreImages: false),
                Input = input,
                Output = output,
            };
            KernelThreads.Run(work, work.Groups.Items * work.Groups.GroupsPerItem, threads);
        }

        private void RunGroups<TKernel, TActivation>(in XSepStageShape shape)
            where TKernel : struct, IKernelSize
            where TActivation : struct, IActivation
        {
            var work = new XSepInferWork<TLanes, TVector, TKernel, TActivation>
            {
                Shape = shape,
                Parameters = _parameters,
                Groups = PlaneGroups.ForInference(shape.Batch, shape.Channels, TLanes.Count, DirectionOf(shape)),
                Input = input,
                Output = output,
            };
            KernelThreads.Run(work, work.Groups.Items * work.Groups.GroupsPerItem, threads);
        }
    }
}
