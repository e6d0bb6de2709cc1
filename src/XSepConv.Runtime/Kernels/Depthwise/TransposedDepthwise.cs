using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>
/// From the gradient of a K×K depthwise convolution's result to that of its input, on one block of channels: at stride 2, four
/// convolutions, since every second row and column is reached by other taps.
/// </summary>
internal readonly unsafe struct TransposedDepthwise<TLanes, TVector, TStride>(ref ScratchLayout layout, in DepthwiseStageShape shape)
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
    where TStride : struct, IStride
{
    private readonly DepthwiseStageShape _shape = shape;
    private readonly float* _weights = layout.Vectors(shape.Kernel * shape.Kernel);

    /// <summary>Takes an item's weights, K·K vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Pack(float* weights)
    {
        var transposed = _weights;
        for (var parity = 0; parity < TStride.Value * TStride.Value; parity++)
        {
            var window = Window(parity);
            for (var tap = 0; tap < window.Rows * window.Columns; tap++)
            {
                var row = TapWindow.Source(_shape.Kernel, TStride.Value, parity / TStride.Value, tap / window.Columns);
                var column = TapWindow.Source(_shape.Kernel, TStride.Value, parity % TStride.Value, tap % window.Columns);
                TLanes.Store(transposed, TLanes.Load(weights + (((row * _shape.Kernel) + column) * TLanes.Count)));
                transposed += TLanes.Count;
            }
        }
    }

    /// <param name="gradient">Of the result.</param>
    /// <param name="zero">A vector of zeros.</param>
    /// <param name="result">Written, height × width vectors.</param>
    /// <param name="lines">To prefetch what will be written, if anything.</param>
    /// <param name="tensor">Where that is.</param>
    public void Run(VectorMap gradient, float* zero, float* result, PrefetchLines lines = default, float* tensor = null)
    {
        var weights = _weights;
        var planeRow = (nint)_shape.Width * TLanes.Count;
        for (var parity = 0; parity < TStride.Value * TStride.Value; parity++)
        {
            int row = parity / TStride.Value, column = parity % TStride.Value;
            var window = Window(parity);
            var (height, width) =
                ((_shape.Height - row + TStride.Value - 1) / TStride.Value, (_shape.Width - column + TStride.Value - 1) / TStride.Value);
            if (height > 0 && width > 0)
            {
                DepthwiseRows<TLanes, TVector, Stride1, IdentityActivation>.Run(
                    gradient, window, weights, zero, result + (row * planeRow) + (column * TLanes.Count), TStride.Value * planeRow,
                    TStride.Value * TLanes.Count, height, width, parity == 0 ? lines.Of(tensor, height * width) : default);
            }

            weights += window.Rows * window.Columns * TLanes.Count;
        }
    }

    private TapWindow Window(int parity) =>
        TapWindow.Transposed(_shape.Kernel, TStride.Value, parity / TStride.Value, parity % TStride.Value);
}
