using System.Buffers.Binary;
using System.Text;

namespace XSepConv.Runtime.Tests.Weights;

public sealed class SafeTensorsFuzzTests(ITestOutputHelper output)
{
    private const int Cases = 100_000;

    // Values that parsers trip over, dropped into the header.
    private static readonly string[] Tokens =
    [
        "-1", "-0", "1e9", "1e999", "NaN", "null", "true", "\"\"", "[]", "{}", "[[", "{\"", "9223372036854775807", "9223372036854775808", "18446744073709551616",
        "4294967296", "2147483648", "0", "00", ",", ":", "\\u0000", "\\ud800", "\"F8_E5M2\"", "\"F64\"", "\"BOOL\"", "\"dtype\"", "\"shape\"", "\"__metadata__\"", "//", "\0", "\t",
    ];

    [Fact]
    public void Mutated_files_are_read_or_refused_and_nothing_else()
    {
        var seeds = Seeds();
        var random = new Random(200212046);
        long largest = 0;
        var read = 0;
        for (var i = 0; i < Cases; i++)
        {
            var bytes = Mutate(seeds[random.Next(seeds.Length)], random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var file = SafeTensors.Read(new MemoryStream(bytes));
                var total = file.Tensors.Keys.Sum(name => (long)file.ReadBytes(name).Length);
                Assert.Equal(bytes.Length - 8 - BinaryPrimitives.ReadInt64LittleEndian(bytes), total);
                read++;
            }
            catch (InvalidDataException)
            {
                // The one way to say no.
            }
            catch (Exception e)
            {
                Assert.Fail($"Case {i}: {e.GetType()}: {e.Message}\n{Convert.ToBase64String(bytes)}");
            }

            largest = Math.Max(largest, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        output.WriteLine($"{read:N0} of {Cases:N0} were still valid; at most {largest:N0} bytes were allocated for one.");

        // Files are below 2 kB; a first piece of 64 KiB may be allocated for the header and for a tensor, an exception with its stack takes some kB.
        Assert.InRange(largest, 0, 1 << 19);

        // Both ways out must have been taken many times, or the mutations test nothing.
        Assert.InRange(read, Cases / 100, Cases * 9 / 10);
    }

    private static byte[][] Seeds()
    {
        using var ours = new MemoryStream();
        SafeTensors.Write(ours,
            [
                new("conv1.weight", SafeTensorType.F32, [2, 3, 1, 1], new byte[24]),
                new("bn1.num_batches_tracked", SafeTensorType.I64, [], new byte[8]),
                new("mask", SafeTensorType.Bool, [3], new byte[3]),
                new("none", SafeTensorType.BF16, [0], Array.Empty<byte>()),
            ],
            new Dictionary<string, string> { ["spec"] = """{"name":"x"}""" });
        return
        [
            ours.ToArray(),
            File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Weights", "Fixtures", "foreign.safetensors")),
            SafeTensorsBytes.File("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 1, 2),
            SafeTensorsBytes.File("{}"),
        ];
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        var bytes = seed.ToList();
        var headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(seed);
        for (var rounds = random.Next(1, 4); rounds > 0; rounds--)
        {
            var at = random.Next(bytes.Count);
            var inHeader = 8 + random.Next(Math.Max(1, Math.Min(headerLength, bytes.Count - 8)));
            var before = bytes.Count;
            switch (random.Next(8))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, random.Next(Math.Min(bytes.Count - at, 20)));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, random.Next(40))));
                    break;
                case 4 when inHeader < bytes.Count:
                    bytes[inHeader] = (byte)"0123456789[]{},:\"-. "[random.Next(20)];
                    break;
                case 5 when inHeader < bytes.Count:
                    // The header's length is put right, so that its new content is reached.
                    bytes.InsertRange(inHeader, Encoding.UTF8.GetBytes(Tokens[random.Next(Tokens.Length)]));
                    SetLength(bytes, headerLength += bytes.Count - before);
                    break;
                case 6 when inHeader < bytes.Count:
                    bytes.RemoveRange(inHeader, Math.Min(random.Next(1, 12), 8 + headerLength - inHeader));
                    SetLength(bytes, headerLength += bytes.Count - before);
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }

            if (bytes.Count == 0) break;
            headerLength = Math.Clamp(headerLength, 0, Math.Max(0, bytes.Count - 8));
        }

        return [.. bytes];
    }

    private static void SetLength(List<byte> bytes, int length)
    {
        for (var i = 0; i < 8 && i < bytes.Count; i++) bytes[i] = i < 4 ? (byte)(length >> (8 * i)) : (byte)0;
    }
}
