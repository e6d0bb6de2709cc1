using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>All tiles of a group of output channels.</summary>
internal static unsafe class PointwiseTileRuns<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    // Of weights, which every tile reads again: what the nearest cache holds beside the pixels.
    private const int MostWeights = 6 * 1024;

    /// <summary>
    /// Runs them with the input channels in pieces, so that the weights of one stay in the nearest cache while all its tiles pass. The
    /// results are the same bits: a sum is kept in the output and taken up again.
    /// </summary>
    /// <param name="tile">Input, output and residual of the group's first pixel, and all channels.</param>
    public static void Run(TileRun[] runs, int vectors, PointwiseTile* tile)
    {
        var all = *tile;
        var piece = Piece(all, vectors);
        for (var first = 0; first < all.Channels; first += piece)
        {
            var isLast = first + piece >= all.Channels;
            tile->Channels = Math.Min(piece, all.Channels - first);
            tile->Weights = all.Weights + ((nint)first * TLanes.Count);
            tile->Continues = first > 0;
            tile->Activation = isLast ? all.Activation : TileActivation.None;
            var input = all.Input + (first / TLanes.Count * all.Outer);
            foreach (var run in runs)
            {
                var offset = (nint)run.Offset * TLanes.Count;
                tile->Input = input + offset;
                tile->Output = all.Output + offset;
                tile->Residual = isLast && all.Residual != null ? all.Residual + offset : null;
                tile->Count = run.Count;
                tile->InputStep = tile->OutputStep = (nint)run.Pixels * TLanes.Count;
                PointwiseTiles<TLanes, TVector>.Run(run.Pixels, vectors, tile);
            }
        }

        *tile = all;
    }

    /// <summary>Channels of a piece: whole blocks, and pieces about as large as each other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Piece(in PointwiseTile tile, int vectors)
    {
        // With 32 registers a tile has so many pixels that the second-level cache keeps up with it.
        var most = PointwisePlan.Registers(TLanes.Count) == 32 ? tile.Channels : MostWeights / (vectors * TLanes.Count);

        // A residual that lies where the output goes would be gone before it is added.
        if (tile.Channels <= most || tile.Residual == tile.Output) return tile.Channels;
        var pieces = (tile.Channels + most - 1) / most;
        var channels = (tile.Channels + pieces - 1) / pieces;
        return BlockedMap.Blocks(channels, TLanes.Count) * TLanes.Count;
    }
}
