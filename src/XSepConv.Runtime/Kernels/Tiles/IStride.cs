namespace XSepConv.Kernels;

/// <summary>A convolution's stride in width, a constant of what is compiled for it.</summary>
internal interface IStride
{
    static abstract int Value { get; }
}

internal readonly struct Stride1 : IStride
{
    public static int Value => 1;
}

internal readonly struct Stride2 : IStride
{
    public static int Value => 2;
}
