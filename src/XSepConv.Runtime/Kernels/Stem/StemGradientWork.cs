using System.Runtime.CompilerServices;

namespace XSepConv.Kernels;

/// <summary>The gradient of a 3×3 convolution's input from that of its taps. Items are images.</summary>
internal unsafe struct StemGradientWork<TLanes, TVector> : IKernelWork
    where TLanes : struct, ILanes<TVector>
    where TVector : unmanaged
{
    private const int Side = 3;

    public ConvolutionTrainingShape Shape;

    /// <summary>Nine channels for each of the input's.</summary>
    public BlockedMap Taps;

    /// <summary>[N, C, H, W].</summary>
    public float* Gradient;

    public readonly void Run(int first, int end, ref ScratchLayout layout)
    {
        if (!layout.HasMemory) return;
        var plane = Shape.Height * Shape.Width;
        for (var image = first; image < end; image++)
        {
            for (var channel = 0; channel < Shape.In; channel++)
            {
                var target = Gradient + ((((nint)image * Shape.In) + channel) * plane);
                new Span<float>(target, plane).Clear();
                for (var tap = 0; tap < StemPanel.Taps; tap++)
                {
                    var number = (channel * StemPanel.Taps) + tap;
                    var source = Taps.At(number / TLanes.Count, (nint)image * Shape.OutputPlane, TLanes.Count) + (number % TLanes.Count);
                    Add(source, (tap / Side) - 1, (tap % Side) - 1, target);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Add(float* source, int down, int across, float* target)
    {
        var stride = Shape.Stride;
        int first = across < 0 ? 1 : 0, last = Math.Min(Shape.OutputWidth, (Shape.Width - across + stride - 1) / stride);
        for (var row = 0; row < Shape.OutputHeight; row++)
        {
            var to = (row * stride) + down;
            if (to < 0 || to >= Shape.Height) continue;
            var line = target + ((nint)to * Shape.Width) + across;
            var values = source + ((nint)row * Shape.OutputWidth * TLanes.Count);
            for (var column = first; column < last; column++) line[column * stride] += values[column * TLanes.Count];
        }
    }
}
