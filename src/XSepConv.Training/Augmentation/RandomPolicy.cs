namespace XSepConv.Training;

/// <summary>
/// RandAugment's operations (Cubuk et al. 2019, arXiv 1909.13719), each as likely as the other, with torchvision's ranges; those that turn
/// or shear are kept within what leaves a class what it is.
/// </summary>
internal static class RandomPolicy
{
    private const double LargestTranslation = 150.0 / 331;
    private const double LargestShearPerDegree = 0.3 / 30;
    private const double LargestChange = 0.9;

    private delegate void Operation(PixelImage image, double signed, double largestRotation);

    private static readonly Operation[] All =
    [
        (_, _, _) => { },
        (image, signed, largest) => GeometricOperations.ShearRows(image, Shear(signed, largest)),
        (image, signed, largest) => GeometricOperations.ShearColumns(image, Shear(signed, largest)),
        (image, signed, _) => GeometricOperations.Translate(image, Math.Truncate(signed * LargestTranslation * image.Width), 0),
        (image, signed, _) => GeometricOperations.Translate(image, 0, Math.Truncate(signed * LargestTranslation * image.Height)),
        (image, signed, largest) => GeometricOperations.Rotate(image, signed * largest),
        (image, signed, _) => ColorOperations.Brightness(image, Factor(signed)),
        (image, signed, _) => ColorOperations.Saturation(image, Factor(signed)),
        (image, signed, _) => ColorOperations.Contrast(image, Factor(signed)),
        (image, signed, _) => ColorOperations.Sharpness(image, Factor(signed)),
        (image, signed, _) => ColorOperations.Posterize(image, 8 - (int)Math.Round(4 * Math.Abs(signed))),
        (image, signed, _) => ColorOperations.Solarize(image, (int)Math.Ceiling(256 * (1 - Math.Abs(signed)))),
        (image, _, _) => ColorOperations.AutoContrast(image),
        (image, _, _) => ColorOperations.Equalize(image),
    ];

    public static int Operations => All.Length;

    public static void Apply(PixelImage image, double magnitude, double largestRotation, ref CounterRandom random)
    {
        var operation = random.Next(Operations);
        var sign = random.Next(2) == 0 ? magnitude : -magnitude;
        Apply(image, operation, sign, largestRotation);
    }

    /// <summary>Does one of the operations; their strength is the size of <paramref name="signed"/>.</summary>
    public static void Apply(PixelImage image, int operation, double signed, double largestRotation) =>
        All[operation](image, signed, largestRotation);

    private static double Shear(double signed, double largestRotation) => signed * LargestShearPerDegree * largestRotation;

    private static double Factor(double signed) => 1 + (LargestChange * signed);
}
