using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>A linear layer on the features of all images.</summary>
internal sealed unsafe class LinearStep<TLanes, TVector>(PackedLinear layer, int inputRow, TileActivation activation) : FeatureStep
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    // Images of one group of outputs follow each other: its weights are in cache then.
    private const int Rows = RowTiles<TLanes, TVector>.MaxRows;

    public override int Items(int images) => layer.Groups * Tiles(images);

    public override void Run(float* input, float* output, int images, int first, int end)
    {
        var groupFloats = (nint)PackedLinear.GroupVectors * TLanes.Count;
        if (images == 1)
        {
            while (first < end)
            {
                first = LinearRows<TLanes, TVector>.RunRow(layer, first, end, input, output + (first * groupFloats), activation);
            }

            return;
        }

        var outputRow = layer.Blocks * TLanes.Count;
        var tiles = Tiles(images);
        for (var item = first; item < end; item++)
        {
            var (group, row) = (item / tiles, item % tiles * Rows);
            LinearRows<TLanes, TVector>.Run(
                layer, group, input + ((nint)row * inputRow), inputRow, output + ((nint)row * outputRow) + (group * groupFloats),
                outputRow, Math.Min(Rows, images - row), activation);
        }
    }

    private static int Tiles(int images) => (images + Rows - 1) / Rows;
}
