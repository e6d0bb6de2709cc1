namespace XSepConv.Training;

/// <summary>Random erasing (Zhong et al. 2017, arXiv 1708.04896): a rectangle becomes the mean.</summary>
internal static class RandomErasing
{
    private const double SmallestArea = 0.02, LargestArea = 0.33;
    private const double LargestAspect = 1 / 0.3;
    private const int Tries = 10;

    /// <summary>Sets a rectangle of 2 to 33 % of the area, of aspects from 0.3 to 1/0.3, to 0, the mean after normalisation.</summary>
    /// <param name="image">[channels, height, width].</param>
    /// <param name="random">Area, aspect and place; drawn anew, at most ten times, where the rectangle does not fit.</param>
    public static void Apply(Span<float> image, int channels, int height, int width, ref CounterRandom random)
    {
        for (var tries = 0; tries < Tries; tries++)
        {
            var area = random.NextDouble(SmallestArea, LargestArea) * height * width;
            var aspect = Math.Pow(LargestAspect, random.NextDouble(-1, 1));
            int rows = (int)Math.Round(Math.Sqrt(area * aspect)), columns = (int)Math.Round(Math.Sqrt(area / aspect));
            if (rows < 1 || columns < 1 || rows >= height || columns >= width) continue;
            int top = random.Next(0, height - rows), left = random.Next(0, width - columns);
            for (var channel = 0; channel < channels; channel++)
            {
                for (var y = top; y < top + rows; y++) image.Slice((((channel * height) + y) * width) + left, columns).Clear();
            }

            return;
        }
    }
}
