using System.Buffers.Binary;
using System.Text;

namespace XSepConv.Training.Tests;

/// <summary>MAT files that want to do harm, or are broken.</summary>
public sealed class HostileMatTests : IDisposable
{
    private static readonly byte[] Plain = Fixture.Bytes("svhn/extra_32x32.mat");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Other_versions_are_refused()
    {
        AssertRefused(Fixture.Bytes("svhn/version4.mat"), "has 30 bytes, the header of a MAT file alone has 128");
        AssertRefused(Encoding.ASCII.GetBytes("MATLAB 7.3 MAT-file".PadRight(512)), "is a MAT file of version 7.3 (HDF5)");
        AssertRefused(Changed(126, "MI"u8), "'MI', 0x0100 and 'IM' are right");
        AssertRefused(new byte[1000], "is no little-endian MAT file of version 5");
    }

    [Fact]
    public void A_cut_file_is_refused_wherever_it_is_cut()
    {
        foreach (var file in new[] { Plain, Fixture.Bytes("svhn/test_32x32.mat") })
        {
            for (var length = 0; length < file.Length; length += length < 400 ? 1 : 37) AssertRefused(file[..length], "file: ");
        }
    }

    [Theory]
    [InlineData(3, 4, "X is 32×32×3×4 but has 9216 bytes; 12288 are right")]
    [InlineData(3, 0, "X is 32×32×3×0 of MAT type 2; 32×32×3×(1 to 1000000) bytes")]
    [InlineData(3, -1, "an array has the dimension -1")]
    [InlineData(3, int.MaxValue, "X is 32×32×3×2147483647 of MAT type 2")]
    [InlineData(0, 16, "X is 16×32×3×3 of MAT type 2")]
    public void Lying_sizes_are_refused(int dimension, int value, string reason)
    {
        // The dimensions of X: 16 bytes after the tag of miINT32 with 16 bytes.
        var at = Plain.AsSpan().IndexOf((ReadOnlySpan<byte>)[5, 0, 0, 0, 16, 0, 0, 0]) + 8;
        var number = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(number, value);
        AssertRefused(Changed(at + (4 * dimension), number), reason);
    }

    [Fact]
    public void An_element_that_claims_four_gigabytes_costs_nothing()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(Changed(132, [0xF8, 0xFF, 0xFF, 0xFF]), "file: ");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void A_label_that_is_no_digit_is_refused()
    {
        // The labels of this file are doubles, the last three numbers in it.
        AssertRefused(Changed(Plain.Length - 8, BitConverter.GetBytes(11.0)), "label 2 is 11; 1 to 10 (the digit 0) are right");
        AssertRefused(Changed(Plain.Length - 16, BitConverter.GetBytes(2.5)), "'y' holds 2.5, which is no class");
        AssertRefused(Changed(Plain.Length - 16, BitConverter.GetBytes(double.NaN)), "'y' holds NaN, which is no class");
    }

    [Fact]
    public void Counts_that_disagree_are_refused()
    {
        byte[] Array(int index)
        {
            var at = 128;
            for (; index > 0; index--) at += 8 + BinaryPrimitives.ReadInt32LittleEndian(Plain.AsSpan(at + 4));
            return Plain[at..(at + 8 + BinaryPrimitives.ReadInt32LittleEndian(Plain.AsSpan(at + 4)))];
        }

        byte[] header = Plain[..128];
        AssertRefused([.. header, .. Array(0)], "lacks the array 'y'");
        AssertRefused([.. header, .. Array(1)], "lacks the array 'X'");
        AssertRefused([.. header, .. Array(0), .. Array(1), .. Array(0)], "holds the array 'X' twice");
    }

    private static byte[] Changed(int at, ReadOnlySpan<byte> bytes)
    {
        var changed = Plain.ToArray();
        bytes.CopyTo(changed.AsSpan(at));
        return changed;
    }

    private void AssertRefused(byte[] file, string reason)
    {
        var message = Assert.Throws<InvalidDataException>(() => Fixture.Decode(_folder, 32, writer =>
        {
            SvhnFile.Decode(new MemoryStream(file), "file", SplitKind.Train, writer);
            return [.. Enumerable.Range(0, 10).Select(i => $"{i}")];
        })).Message;
        Assert.StartsWith("file: ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }
}
