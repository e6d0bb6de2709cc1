using System.Buffers.Binary;

namespace XSepConv.Runtime.Tests.Inference;

/// <summary>A network's file with up to three other bytes: cut short, in its header, or anywhere in it.</summary>
internal static class DamagedFiles
{
    private const int EachKind = 100;

    /// <summary>Each is refused by an <see cref="InvalidDataException"/>, or loads because what is damaged decides nothing.</summary>
    /// <param name="path">The whole file, which is overwritten.</param>
    public static void RequireRefusedOrHarmless(string path)
    {
        var whole = File.ReadAllBytes(path);
        var header = (int)BinaryPrimitives.ReadInt64LittleEndian(whole) + 8;
        Assert.Equal(0, Loaded(0, random => Damaged(random, whole[..random.Next(1, whole.Length)], whole.Length)));

        // Hardly a byte of a header means nothing, and most others are weights.
        Assert.InRange(Loaded(1, random => Damaged(random, [.. whole], header)), 0, EachKind / 10);
        Assert.InRange(Loaded(2, random => Damaged(random, [.. whole], whole.Length)), EachKind / 10, EachKind);

        int Loaded(int kind, Func<Random, byte[]> damaged)
        {
            var loaded = 0;
            for (var i = 0; i < EachKind; i++)
            {
                File.WriteAllBytes(path, damaged(new Random((3 * i) + kind)));
                try
                {
                    CompiledModel.Load(path);
                    loaded++;
                }
                catch (InvalidDataException)
                {
                }
            }

            return loaded;
        }
    }

    private static byte[] Damaged(Random random, byte[] bytes, int end)
    {
        for (var i = random.Next(1, 4); i > 0; i--) bytes[random.Next(Math.Min(end, bytes.Length))] = (byte)random.Next(256);
        return bytes;
    }
}
