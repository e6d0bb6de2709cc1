namespace XSepConv.Training;

/// <summary>
/// SplitMix64 (Steele, Lea, Flood 2014) started from a key: the same numbers on every machine and from every thread,
/// so that whatever is drawn for (seed, epoch, image) does not depend on who draws it, or when.
/// </summary>
internal struct CounterRandom
{
    private const ulong Gamma = 0x9E3779B97F4A7C15;

    private ulong _state;

    private CounterRandom(ulong state) => _state = state;

    /// <summary>A generator for one purpose (<paramref name="stream"/>) of a run, and one place in it.</summary>
    public static CounterRandom For(int seed, Stream stream, long a = 0, long b = 0)
    {
        var key = Mix(Gamma * (ulong)(uint)seed + (ulong)stream);
        key = Mix(key + Gamma * (ulong)(a + 1));
        return new CounterRandom(Mix(key + Gamma * (ulong)(b + 1)));
    }

    public ulong NextBits() => Mix(_state += Gamma);

    /// <summary>Uniform in 0 … <paramref name="count"/> − 1 (by a 128-bit product; its bias of count/2⁶⁴ is below notice).</summary>
    public int Next(int count) => (int)Math.BigMul(NextBits(), (ulong)count, out _);

    /// <summary>Uniform in <paramref name="low"/> … <paramref name="high"/>, both included.</summary>
    public int Next(int low, int high) => low + Next(high - low + 1);

    /// <summary>Uniform in [0, 1), a multiple of 2⁻⁵³.</summary>
    public double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public double NextDouble(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>0 … <paramref name="count"/> − 1 in random order (Fisher and Yates).</summary>
    public int[] Permutation(int count)
    {
        var order = new int[count];
        for (var i = 0; i < count; i++) order[i] = i;
        for (var i = count - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return order;
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>What is drawn for; each purpose has numbers of its own.</summary>
    internal enum Stream
    {
        /// <summary>Which training images become validation images.</summary>
        Split = 1,

        /// <summary>The order of an epoch.</summary>
        Order = 2,

        /// <summary>Crop and flip of one image in one epoch.</summary>
        Augmentation = 3,

        /// <summary>One image of the shapes set.</summary>
        Shape = 4,

        /// <summary>Torch's generator in one step: dropout.</summary>
        Torch = 5,

        /// <summary>The weight of one image in one epoch.</summary>
        Mixup = 6,

        Limit = 7,
    }
}
