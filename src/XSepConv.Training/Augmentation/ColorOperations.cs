namespace XSepConv.Training;

/// <summary>What changes the colours of an image, byte for byte as Pillow (ImageOps and ImageEnhance) does it.</summary>
internal static class ColorOperations
{
    /// <summary>
    /// Brightness, contrast and saturation, each multiplied by a number from 1 − <paramref name="strength"/> to 1 +
    /// <paramref name="strength"/>.
    /// </summary>
    public static void Jitter(PixelImage image, double strength, ref CounterRandom random)
    {
        Brightness(image, random.NextDouble(1 - strength, 1 + strength));
        Contrast(image, random.NextDouble(1 - strength, 1 + strength));
        Saturation(image, random.NextDouble(1 - strength, 1 + strength));
    }

    /// <summary>Multiplies every byte: 0 is black, 1 the image.</summary>
    public static void Brightness(PixelImage image, double factor)
    {
        foreach (ref var pixel in image.Pixels) pixel = Blend(0, pixel, (float)factor);
    }

    /// <summary>Goes from the mean grey (0) through the image (1) and beyond.</summary>
    public static void Contrast(PixelImage image, double factor)
    {
        long sum = 0;
        for (var i = 0; i < image.Plane; i++) sum += Grey(image, i);
        var mean = (byte)(((double)sum / image.Plane) + 0.5);
        foreach (ref var pixel in image.Pixels) pixel = Blend(mean, pixel, (float)factor);
    }

    /// <summary>Goes from grey (0) through the image (1) and beyond. An image that has no three colours stays as it is.</summary>
    public static void Saturation(PixelImage image, double factor)
    {
        if (image.Channels != 3) return;
        Span<byte> red = image.Channel(0), green = image.Channel(1), blue = image.Channel(2);
        for (var i = 0; i < image.Plane; i++)
        {
            var grey = Grey(image, i);
            red[i] = Blend(grey, red[i], (float)factor);
            green[i] = Blend(grey, green[i], (float)factor);
            blue[i] = Blend(grey, blue[i], (float)factor);
        }
    }

    /// <summary>Goes from the image smoothed by [1 1 1; 1 5 1; 1 1 1]/13 (0) through the image (1) and beyond; the border stays.</summary>
    public static void Sharpness(PixelImage image, double factor)
    {
        image.Pixels.CopyTo(image.Scratch);
        for (var channel = 0; channel < image.Channels; channel++)
        {
            var target = image.Channel(channel);
            var source = image.Scratch.Slice(channel * image.Plane, image.Plane);
            var width = image.Width;
            for (var y = 1; y < image.Height - 1; y++)
            {
                for (var x = 1; x < width - 1; x++)
                {
                    var at = (y * width) + x;
                    var sum = 4 * source[at];
                    for (var row = at - width; row <= at + width; row += width) sum += source[row - 1] + source[row] + source[row + 1];
                    target[at] = Blend((byte)((sum / 13.0) + 0.5), source[at], (float)factor);
                }
            }
        }
    }

    /// <summary>Stretches each channel to 0 … 255.</summary>
    public static void AutoContrast(PixelImage image)
    {
        Span<byte> table = stackalloc byte[256];
        for (var channel = 0; channel < image.Channels; channel++)
        {
            var pixels = image.Channel(channel);
            byte low = 255, high = 0;
            foreach (var pixel in pixels) (low, high) = (Math.Min(low, pixel), Math.Max(high, pixel));
            if (high <= low) continue;
            var scale = 255.0 / (high - low);
            for (var i = 0; i < 256; i++) table[i] = (byte)Math.Clamp((int)((i * scale) - (low * scale)), 0, 255);
            foreach (ref var pixel in pixels) pixel = table[pixel];
        }
    }

    /// <summary>Makes each channel's values equally frequent.</summary>
    public static void Equalize(PixelImage image)
    {
        Span<int> counts = stackalloc int[256];
        Span<byte> table = stackalloc byte[256];
        for (var channel = 0; channel < image.Channels; channel++)
        {
            var pixels = image.Channel(channel);
            counts.Clear();
            foreach (var pixel in pixels) counts[pixel]++;
            var step = (pixels.Length - counts[counts.LastIndexOfAnyExcept(0)]) / 255;
            if (step == 0) continue;
            var sum = step / 2;
            for (var i = 0; i < 256; i++)
            {
                table[i] = (byte)Math.Min(255, sum / step);
                sum += counts[i];
            }

            foreach (ref var pixel in pixels) pixel = table[pixel];
        }
    }

    /// <summary>Keeps so many bits of each byte.</summary>
    public static void Posterize(PixelImage image, int bits)
    {
        var mask = (byte)(0xFF << (8 - bits));
        foreach (ref var pixel in image.Pixels) pixel &= mask;
    }

    /// <summary>Inverts what is not below the threshold.</summary>
    public static void Solarize(PixelImage image, int threshold)
    {
        foreach (ref var pixel in image.Pixels) pixel = pixel < threshold ? pixel : (byte)(255 - pixel);
    }

    // Channels that are not red, green and blue count alike.
    private static byte Grey(PixelImage image, int at)
    {
        if (image.Channels == 1) return image.Pixels[at];
        if (image.Channels != 3)
        {
            var sum = 0;
            for (var channel = 0; channel < image.Channels; channel++) sum += image.Pixels[(channel * image.Plane) + at];
            return (byte)((sum + (image.Channels / 2)) / image.Channels);
        }

        return PixelOrder.Luma(image.Pixels[at], image.Pixels[image.Plane + at], image.Pixels[(2 * image.Plane) + at]);
    }

    private static byte Blend(byte from, byte to, float factor) => (byte)Math.Clamp(from + (factor * (to - from)), 0, 255);
}
