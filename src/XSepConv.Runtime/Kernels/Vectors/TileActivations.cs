using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>What a tile does with its results before it stores them.</summary>
internal enum TileActivation
{
    None,
    ReLU,
    HSwish,
    HSigmoid,
    ReLU6,
    SiLU,
}

/// <summary>
/// The activations that no tile has compiled in: over its results, which have just been stored and are in the nearest cache.
/// </summary>
internal static unsafe class TileActivations<TLanes, TVector>
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    /// <param name="rows">Runs of vectors that follow each other, <paramref name="row"/> floats apart.</param>
    public static void Finish(TileActivation activation, float* output, int vectors, int rows, nint row)
    {
        if (activation != TileActivation.None) ActivationTypes.Run(activation, new Call(output, vectors, rows, row));
    }

    private readonly struct Call(float* output, int vectors, int rows, nint row) : IActivationCall
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run<TActivation>()
            where TActivation : struct, IActivation
        {
            var first = output;
            for (var i = 0; i < rows; i++)
            {
                var end = first + ((nint)vectors * TLanes.Count);
                for (var y = first; y < end; y += TLanes.Count) TLanes.Store(y, TActivation.Apply<TLanes, TVector>(TLanes.Load(y)));
                first += row;
            }
        }
    }
}
