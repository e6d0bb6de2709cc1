using XSepConv.Kernels;

namespace XSepConv.Inference;

/// <summary>
/// Adds the row and the column of zeros to the input of a block that pads before its expansion. <see cref="PaddingDirection.Symmetric"/>
/// pads groups of the <em>input's</em> channels differently then, so that no border after the expansion could stand for it.
/// </summary>
internal sealed unsafe class PadStep(int channels, int lanes, MapSize size, PaddingDirection padding, Slot from) : MapStep
{
    public override int Items => BlockedMap.Blocks(channels, lanes);

    public override long ScratchFloats => 0;

    public override void Run(in ImageMaps maps, int first, int end, float* scratch)
    {
        var target = new MapSize(size.Height + 1, size.Width + 1);
        for (var block = first; block < end; block++)
        {
            var source = maps[from] + ((nint)block * size.Pixels * lanes);
            var destination = maps[Slot.Padded] + ((nint)block * target.Pixels * lanes);
            for (var row = 0; row < target.Height; row++)
            {
                new Span<float>(destination + ((nint)row * target.Width * lanes), target.Width * lanes).Clear();
            }

            for (var lane = 0; lane < lanes && (block * lanes) + lane < channels; lane++)
            {
                var direction = padding.ForChannel((block * lanes) + lane, channels);
                var (top, left) = (direction.IsTop() ? 1 : 0, direction.IsLeft() ? 1 : 0);
                for (var row = 0; row < size.Height; row++)
                {
                    var input = source + ((nint)row * size.Width * lanes) + lane;
                    var output = destination + ((((nint)(row + top) * target.Width) + left) * lanes) + lane;
                    for (nint column = 0; column < (nint)size.Width * lanes; column += lanes) output[column] = input[column];
                }
            }
        }
    }
}
