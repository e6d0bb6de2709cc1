namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Random values for kernels.</summary>
internal static class Draws
{
    public static float[] Normal(Random random, int count, double mean, double deviation)
    {
        var values = new float[count];
        for (var i = 0; i < count; i++)
        {
            var radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = (float)(mean + (deviation * radius * Math.Cos(2 * Math.PI * random.NextDouble())));
        }

        return values;
    }
}
