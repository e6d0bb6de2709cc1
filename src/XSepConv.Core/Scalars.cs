using TorchSharp;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// Numbers for libtorch that live as long as the program. TorchSharp does not keep one alive while libtorch reads it: the garbage collector
/// may free it under its hands.
/// </summary>
internal static class Scalars
{
    public static Scalar Zero { get; } = 0;

    public static Scalar One { get; } = 1;

    public static Scalar Three { get; } = 3;

    public static Scalar Six { get; } = 6;

    /// <summary>The sum, as <c>+</c> of TorchSharp, which makes such a number itself: the factor of the second tensor.</summary>
    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, One);

    /// <summary>The sum with a number that is kept alive by the caller.</summary>
    public static Tensor Plus(this Tensor a, Scalar b) => a.add(b, One);
}
