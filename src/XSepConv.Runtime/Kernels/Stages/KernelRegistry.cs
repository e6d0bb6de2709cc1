using System.Collections.Immutable;
using System.Runtime.Intrinsics;

namespace XSepConv.Kernels;

/// <summary>The widths that can run here, best first.</summary>
internal static class KernelRegistry
{
    /// <summary>The environment variable that forces one.</summary>
    public const string Variable = "XSEPCONV_KERNEL";

    private static readonly Lazy<StageKernels> s_chosen = new(() => Choose(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>All of them; those that the processor lacks run emulated.</summary>
    public static ImmutableArray<StageKernels> Available { get; } =
    [
        new VectorStageKernels<Lanes512, Vector512<float>>("v512", Vector512.IsHardwareAccelerated),
        new VectorStageKernels<Lanes256, Vector256<float>>("v256", Vector256.IsHardwareAccelerated),
        new VectorStageKernels<Lanes128, Vector128<float>>("v128", Vector128.IsHardwareAccelerated),
        new VectorStageKernels<LanesScalar, float>("scalar", isAccelerated: true),
    ];

    /// <summary>Those that the processor has; the first is used. The scalar one always is among them.</summary>
    public static ImmutableArray<StageKernels> Accelerated { get; } = [.. Available.Where(kernels => kernels.IsAccelerated)];

    /// <summary>The one in use: the first accelerated, or what <see cref="Variable"/> says, read once.</summary>
    /// <exception cref="InvalidOperationException"><see cref="Variable"/> names none of <see cref="Available"/>.</exception>
    public static StageKernels Current => s_chosen.Value;

    /// <summary>What <see cref="Current"/> is for a value of <see cref="Variable"/>.</summary>
    /// <exception cref="InvalidOperationException">It names none of <see cref="Available"/>.</exception>
    public static StageKernels Choose(string? name)
    {
        if (string.IsNullOrEmpty(name)) return Accelerated[0];
        foreach (var kernels in Available)
        {
            if (kernels.Name == name) return kernels;
        }

        var emulated = string.Join(", ", Available.Except(Accelerated).Select(kernels => kernels.Name));
        throw new InvalidOperationException(
            $"{Variable} is \"{name}\"; it is one of {string.Join(", ", Available.Select(kernels => kernels.Name))}, or unset"
            + (emulated.Length == 0 ? "." : $"; on this processor {emulated} would be emulated, slowly."));
    }
}
