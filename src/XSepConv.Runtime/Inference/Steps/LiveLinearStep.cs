using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>
/// A linear layer whose weights are read where their owner keeps them, [output][input], on the features of all images: batch norm follows
/// as a scale and a shift. Weights read once need not be looked at for changes first, nor kept twice.
/// </summary>
internal sealed unsafe class LiveLinearStep<TLanes, TVector>(LiveLinear layer, int inputRow, TileActivation activation) : FeatureStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private const int GroupVectors = 2;

    private readonly int _vectors = BlockedMap.Blocks(layer.Outputs, TLanes.Count);

    private int Groups => (_vectors + GroupVectors - 1) / GroupVectors;

    public override int Items(int images) => Groups * Tiles(images);

    public override void Run(float* input, float* output, int images, int first, int end)
    {
        var outputRow = _vectors * TLanes.Count;
        var tiles = Tiles(images);
        KernelMemory.Enter(layer.Weights, (long)layer.Outputs * layer.Inputs);
        for (var item = first; item < end; item++)
        {
            var (vector, row) = (item / tiles * GroupVectors, item % tiles * DotRows<TLanes, TVector>.Rows);
            var vectors = Math.Min(GroupVectors, _vectors - vector);
            var firstOutput = vector * TLanes.Count;
            var outputs = Math.Min(vectors * TLanes.Count, layer.Outputs - firstOutput);
            var rows = Math.Min(DotRows<TLanes, TVector>.Rows, images - row);
            var to = output + ((nint)row * outputRow) + firstOutput;
            var weights = layer.Weights + ((nint)firstOutput * layer.Inputs);
            var from = input + ((nint)row * inputRow);
            DotRows<TLanes, TVector>.Run(weights, layer.Inputs, outputs, from, inputRow, rows, to, outputRow);
            for (var i = 0; i < rows; i++) Scale(to + ((nint)i * outputRow), firstOutput, outputs, vectors);
            TileActivations<TLanes, TVector>.Finish(activation, to, vectors, rows, outputRow);
        }

        KernelMemory.Leave(layer.Weights, (long)layer.Outputs * layer.Inputs);
    }

    private static int Tiles(int images) => (images + DotRows<TLanes, TVector>.Rows - 1) / DotRows<TLanes, TVector>.Rows;

    private void Scale(float* to, int firstOutput, int outputs, int vectors)
    {
        // What fills the last vector up holds anything.
        for (var i = outputs; i < vectors * TLanes.Count; i++) to[i] = 0;
        for (var i = 0; i < vectors * TLanes.Count; i += TLanes.Count)
        {
            var (scale, shift) = (TLanes.Load(layer.Scale + firstOutput + i), TLanes.Load(layer.Shift + firstOutput + i));
            TLanes.Store(to + i, TLanes.MultiplyAdd(TLanes.Load(to + i), scale, shift));
        }
    }
}
