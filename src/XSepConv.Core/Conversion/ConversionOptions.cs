using static TorchSharp.torch;

namespace XSepConv;

/// <summary>How <see cref="XSepConverter"/> sets the weights of the modules it puts in.</summary>
public enum KernelInitialisation
{
    /// <summary>Torch's default: the network has to be trained again.</summary>
    Random,

    /// <summary>
    /// Each XSepConv2d is fitted to the kernel and the batch norm it replaces: least squares over its three small kernels with the
    /// activation linearised, then <see cref="ConversionOptions.FitSteps"/> steps of Adam on what the old layers answer to
    /// <see cref="ConversionOptions.Calibration"/>.
    /// </summary>
    Fit,
}

/// <summary>What <see cref="XSepConverter"/> replaces and how.</summary>
public sealed record ConversionOptions
{
    /// <summary>
    /// The smallest kernel that is replaced at stride 1. XSepConv takes 4 + 2K MACs an output pixel against K², so it saves MACs from 5;
    /// a network saves time on this library's kernels from 7 to 9, by the processor.
    /// </summary>
    public int MinKernel { get; init; } = 5;

    /// <summary>The smallest kernel that is replaced at stride 2, where the 2×2 runs at full resolution: MACs are saved from 7.</summary>
    public int MinKernelStride2 { get; init; } = 7;

    /// <summary>The nonlinearity inside the new modules. What follows the replaced pair in the network stays.</summary>
    public Activation Activation { get; init; } = Activation.HSwish;

    /// <summary>
    /// Whether a convolution is replaced too that no <c>BatchNorm2d</c> follows, as in ConvNeXt, where it is a layer norm. What follows
    /// stays; the new module ends in a batch norm all the same, which takes the place of a bias. <c>false</c> leaves such convolutions.
    /// </summary>
    public bool WithoutBatchNorm { get; init; } = true;

    /// <summary>How the new modules start.</summary>
    public KernelInitialisation Initialise { get; init; } = KernelInitialisation.Random;

    /// <summary>
    /// Images [N, C, H, W] as the network gets them in training (normalised), needed for <see cref="KernelInitialisation.Fit"/>: a few
    /// hundred suffice, no labels. They stay the caller's. This and the fit's other numbers are refused where nothing is fitted.
    /// </summary>
    public Tensor? Calibration { get; init; }

    /// <summary>Steps of Adam for each fitted module, after the closed form; 0 leaves it at that.</summary>
    public int FitSteps { get; init; } = 200;

    /// <summary>Calibration images in one step.</summary>
    public int FitBatch { get; init; } = 32;

    /// <summary>Ends a fit, which can take minutes; the network is then as it was.</summary>
    public CancellationToken CancellationToken { get; init; }

    internal void Validate()
    {
        ValidateUnfitted();
        if (Initialise == KernelInitialisation.Fit && Calibration is null)
        {
            throw new ArgumentException(
                $"{nameof(Initialise)} is {nameof(KernelInitialisation.Fit)}, which needs images: set "
                + $"{nameof(Calibration)} to some that the network was trained on.",
                nameof(Calibration));
        }
    }

    /// <summary>The same for a preview, which fits nothing and so needs no images.</summary>
    internal void ValidateUnfitted()
    {
        BlockArguments.RequireKernel(MinKernel, nameof(MinKernel));
        BlockArguments.RequireKernel(MinKernelStride2, nameof(MinKernelStride2));
        EnumValues.Require(Activation);
        EnumValues.Require(Initialise);
        if (FitSteps < 0) throw new ArgumentOutOfRangeException(nameof(FitSteps), FitSteps, "The steps of a fit are 0 or more.");
        if (FitBatch < 2)
        {
            throw new ArgumentOutOfRangeException(nameof(FitBatch), FitBatch, "A step of a fit takes at least 2 images, for batch norm.");
        }

        if (Initialise != KernelInitialisation.Fit && FitOnly() is { } option)
        {
            throw new ArgumentException(
                $"{option} is set and {nameof(Initialise)} is {Initialise}, which fits nothing; set {nameof(Initialise)} to "
                + $"{nameof(KernelInitialisation.Fit)}, or leave {option} out.",
                option);
        }

        if (Calibration is { } images && (images.dim() != 4 || images.shape[0] < 2))
        {
            throw new ArgumentException(
                $"{nameof(Calibration)} has shape [{string.Join(", ", images.shape)}]; images [N, C, H, W] with N of 2 or more are needed.",
                nameof(Calibration));
        }
    }

    // An option that nothing but a fit looks at.
    private string? FitOnly()
    {
        var usual = new ConversionOptions();
        return Calibration is not null ? nameof(Calibration)
            : FitSteps != usual.FitSteps ? nameof(FitSteps)
            : FitBatch != usual.FitBatch ? nameof(FitBatch)
            : null;
    }
}
