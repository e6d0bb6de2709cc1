namespace XSepConv.Kernels;

/// <summary>Weights of a 1×1 convolution, [outputs, inputs], or of another one, and the batch normalisation after it.</summary>
internal unsafe struct ConvNormParameters
{
    public float* Weights;
    public BatchNormParameters Norm;
}

/// <summary>Their gradients; overwritten, not added to.</summary>
internal unsafe struct ConvNormGradients
{
    public float* Weights;
    public BatchNormGradients Norm;
}

/// <summary>Forward and backward of 1×1 convolutions in training.</summary>
internal static unsafe class PointwiseTraining<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <summary>Vectors that a convolution's packed weights take, either way.</summary>
    public static long PackedVectors(int inputs, int outputs) => Math.Max(
        (long)BlockedMap.Blocks(outputs, TLanes.Count) * inputs, (long)BlockedMap.Blocks(inputs, TLanes.Count) * outputs);

    /// <summary>Convolves, and completes the norm.</summary>
    /// <param name="packed">Room for the weights.</param>
    /// <param name="records">Room for three vectors a block and segment.</param>
    public static void Forward<TPanel>(
        TPanel input, in PixelChunks chunks, int inputs, in ConvNormParameters parameters, in MapNorm norm, in BlockedMap output,
        float* packed, float* records, int threads)
        where TPanel : struct, IInputPanel
    {
        Convolve(input, chunks, inputs, norm.Channels, parameters.Weights, output, packed, records, threads);
        if (!parameters.Norm.Frozen) BlockNorms<TLanes, TVector>.Finish(records, chunks, parameters.Norm, norm);
    }

    /// <summary>The convolution alone.</summary>
    /// <param name="records">Null where no statistics are wanted.</param>
    public static void Convolve<TPanel>(
        TPanel input, in PixelChunks chunks, int inputs, int outputs, float* weights, in BlockedMap output, float* packed, float* records,
        int threads)
        where TPanel : struct, IInputPanel
    {
        PointwiseWeights<TLanes, TVector>.Pack(weights, inputs, outputs, packed);
        var work = new PointwiseForwardWork<TLanes, TVector, TPanel>
        {
            Input = input,
            Chunks = chunks,
            Inputs = inputs,
            Outputs = outputs,
            Weights = packed,
            Output = output,
            Records = records,
        };
        KernelThreads.Run(work, chunks.Count, threads, TLanes.Count);
    }

    /// <summary>Writes the gradients of the input and of the weights.</summary>
    /// <param name="output">With the coefficients of its norm's backward.</param>
    public static void Backward<TPanel>(
        TPanel input, in PixelChunks chunks, in PointwiseSums sums, float* weights, in PendingMap output, float* packed,
        float* weightGradient, int threads)
        where TPanel : struct, IInputPanel
    {
        if (input.HasGradient) PointwiseWeights<TLanes, TVector>.PackTransposed(weights, sums.Inputs, sums.Outputs, packed);
        var work = new PointwiseBackwardWork<TLanes, TVector, TPanel>
        {
            Input = input,
            Chunks = chunks,
            Sums = sums,
            TransposedWeights = packed,
            Output = output,
        };
        KernelThreads.Run(work, sums.Parts, threads, TLanes.Count);
        var collect = new PointwiseSumWork<TLanes, TVector> { Sums = sums, Gradient = weightGradient };
        KernelThreads.Run(collect, sums.WideBlocks(TLanes.Count), threads, TLanes.Count);
    }
}
