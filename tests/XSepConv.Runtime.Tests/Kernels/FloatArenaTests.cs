using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Pieces of memory out of few blocks.</summary>
public sealed unsafe class FloatArenaTests
{
    [Fact]
    public void Pieces_of_any_size_are_each_other_s_neighbours_and_overlap_nowhere()
    {
        var random = new Random(0);
        var arena = new FloatArena();
        int[] sizes = [0, 1, 15, 16, 17, 1 << 16, (1 << 16) + 1, 1 << 20, .. Enumerable.Range(0, 200).Select(_ => random.Next(1, 40_000))];
        var pieces = sizes.Select(size => arena.Allocate(size)).ToArray();
        Assert.Equal(sizes.Sum(size => (long)size), arena.Floats);
        for (var i = 0; i < pieces.Length; i++)
        {
            Assert.Equal(sizes[i], pieces[i].Length);
            Assert.Equal(0u, (nuint)pieces[i].Pointer % 64);
            var values = new Span<float>(pieces[i].Pointer, sizes[i]);
            Assert.Equal(-1, values.IndexOfAnyExcept(0f));
            values.Fill(i + 1);
        }

        for (var i = 0; i < pieces.Length; i++)
        {
            Assert.Equal(-1, new Span<float>(pieces[i].Pointer, sizes[i]).IndexOfAnyExcept(i + 1f));
        }
    }

    // 14 MB in pieces of up to 160 KB, as the layers of a network: half of it or more is in the last two blocks, of 4 and 8 MB.
    [Fact]
    public void Most_of_many_small_pieces_lies_where_large_pages_were_asked_for()
    {
        Assert.SkipUnless(MemoryMaps.KnowsLargePages, "The system tells nothing of large pages.");
        var random = new Random(1);
        var arena = new FloatArena();
        var pieces = new List<AlignedFloats>();
        while (arena.Floats < 3_500_000) pieces.Add(arena.Allocate(random.Next(1, 40_000)));
        var large = pieces.Where(piece => MemoryMaps.WantsLargePages((nuint)piece.Pointer)).Sum(piece => piece.Length);
        Assert.InRange(large, arena.Floats * 3 / 4, arena.Floats);
        GC.KeepAlive(pieces);
    }

    // A piece of its own buffer, and a shared buffer of 16 MB, has 2 MB beside it to begin a page; at the end of a shared one nearly 2 MB
    // may be left: 18 MB for 14. The first, smaller ones come to less than 32.
    [Theory]
    [InlineData(128, 128)]
    [InlineData(128, 1)]
    [InlineData(9, 9)]
    [InlineData(1.9, 0.1)]
    public void Pieces_of_some_megabytes_take_little_more_than_they_hold(double first, double second)
    {
        Assert.SkipUnless(UnmanagedMemory.IsExact, "The C library is not glibc.");
        var before = UnmanagedMemory.InUse();
        var arena = new FloatArena();
        List<AlignedFloats> pieces = [];
        while (arena.Floats < 100_000_000)
        {
            pieces.Add(arena.Allocate((long)(first * (1 << 18))));
            pieces.Add(arena.Allocate((long)(second * (1 << 18))));
            pieces.Add(arena.Allocate(100));
        }

        var (bytes, page) = (arena.Floats * sizeof(float), 2L << 20);
        var alone = pieces.Count(piece => piece.Length * sizeof(float) >= page);
        Assert.InRange(UnmanagedMemory.InUse() - before, bytes, (bytes * 18 / 14) + (16 * page) + (alone * page));
        GC.KeepAlive(pieces);
    }

    [Fact]
    public void A_block_lives_as_long_as_one_of_its_pieces()
    {
        var pieces = Enumerable.Range(0, 50).Select(_ => Last(200_000)).ToArray();
        Finalisers.Run();
        var others = Enumerable.Range(0, 50).Select(_ => Last(200_000)).ToArray();
        foreach (var piece in others) new Span<float>(piece.Pointer, 100).Fill(2);
        Assert.All(pieces, piece => Assert.Equal(-1, new Span<float>(piece.Pointer, 100).IndexOfAnyExcept(1f)));
        GC.KeepAlive(others);

        static AlignedFloats Last(int before)
        {
            var arena = new FloatArena();
            arena.Allocate(before);
            var piece = arena.Allocate(100);
            new Span<float>(piece.Pointer, 100).Fill(1);
            return piece;
        }
    }
}
