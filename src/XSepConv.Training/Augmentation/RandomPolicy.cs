namespace XSepConv.Training;

/// <summary>
/// RandAugment's operations (Cubuk et al. 2019, arXiv 1909.13719), each as likely as the other, with torchvision's ranges; those that turn
/// or shear are kept within what leaves a class what it is.
/// </summary>
internal static class RandomPolicy
{
    public const int Operations = 14;

    private const double LargestTranslation = 150.0 / 331;
    private const double LargestShearPerDegree = 0.3 / 30;
    private const double LargestChange = 0.9;

    public static void Apply(PixelImage image, double magnitude, double largestRotation, ref CounterRandom random)
    {
        var operation = random.Next(Operations);
        var sign = random.Next(2) == 0 ? magnitude : -magnitude;
        Apply(image, operation, sign, largestRotation);
    }

    /// <summary>Does one of the operations; their strength is the size of <paramref name="signed"/>.</summary>
    public static void Apply(PixelImage image, int operation, double signed, double largestRotation)
    {
        var shear = signed * LargestShearPerDegree * largestRotation;
        var factor = 1 + (LargestChange * signed);
        switch (operation)
        {
            case 0:
                break;
            case 1:
                GeometricOperations.ShearRows(image, shear);
                break;
            case 2:
                GeometricOperations.ShearColumns(image, shear);
                break;
            case 3:
                GeometricOperations.Translate(image, Math.Truncate(signed * LargestTranslation * image.Width), 0);
                break;
            case 4:
                GeometricOperations.Translate(image, 0, Math.Truncate(signed * LargestTranslation * image.Height));
                break;
            case 5:
                GeometricOperations.Rotate(image, signed * largestRotation);
                break;
            case 6:
                ColorOperations.Brightness(image, factor);
                break;
            case 7:
                ColorOperations.Saturation(image, factor);
                break;
            case 8:
                ColorOperations.Contrast(image, factor);
                break;
            case 9:
                ColorOperations.Sharpness(image, factor);
                break;
            case 10:
                ColorOperations.Posterize(image, 8 - (int)Math.Round(4 * Math.Abs(signed)));
                break;
            case 11:
                ColorOperations.Solarize(image, (int)Math.Ceiling(256 * (1 - Math.Abs(signed))));
                break;
            case 12:
                ColorOperations.AutoContrast(image);
                break;
            default:
                ColorOperations.Equalize(image);
                break;
        }
    }
}
