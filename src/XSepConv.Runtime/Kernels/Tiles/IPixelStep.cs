namespace XSepConv.Kernels;

/// <summary>From one pixel of a tile's input to the next, a constant of the compiled tile.</summary>
internal interface IPixelStep
{
    static abstract nint Floats(int lanes);
}

/// <summary>Pixels of a blocked map, each a vector of channels.</summary>
internal readonly struct BlockedStep : IPixelStep
{
    public static nint Floats(int lanes) => lanes;
}

/// <summary>Every second pixel of a blocked map: a depthwise convolution of stride 2.</summary>
internal readonly struct BlockedStep2 : IPixelStep
{
    public static nint Floats(int lanes) => 2 * lanes;
}

/// <summary>Pixels of a plane of one channel: the stem's input.</summary>
internal readonly struct PlanarStep : IPixelStep
{
    public static nint Floats(int lanes) => 1;
}

/// <summary>Every second pixel of such a plane.</summary>
internal readonly struct PlanarStep2 : IPixelStep
{
    public static nint Floats(int lanes) => 2;
}
