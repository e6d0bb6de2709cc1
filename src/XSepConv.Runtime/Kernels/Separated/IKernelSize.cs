namespace XSepConv.Kernels;

/// <summary>K as a constant of the compiled kernel; 0 means known at run time only.</summary>
internal interface IKernelSize
{
    static abstract int Size { get; }
}

internal readonly struct Kernel3 : IKernelSize
{
    public static int Size => 3;
}

internal readonly struct Kernel5 : IKernelSize
{
    public static int Size => 5;
}

internal readonly struct Kernel7 : IKernelSize
{
    public static int Size => 7;
}

internal readonly struct Kernel9 : IKernelSize
{
    public static int Size => 9;
}

internal readonly struct KernelAny : IKernelSize
{
    public static int Size => 0;
}
