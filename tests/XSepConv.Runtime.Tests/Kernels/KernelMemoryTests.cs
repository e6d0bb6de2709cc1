#if DEBUG
using System.Runtime.Intrinsics;
#else
using System.Diagnostics;
using System.Reflection;
#endif
using XSepConv.Kernels;

namespace XSepConv.Runtime.Tests.Kernels;

/// <summary>Debug builds find a vector outside of the memory that a kernel was given; release builds look for none.</summary>
public sealed unsafe class KernelMemoryTests
{
    // The same few pages again and again: a large buffer's addresses without its memory.
    [Fact]
    public void A_buffer_of_zeros_may_have_more_than_2_GiB()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Pages are mapped with Linux's mmap.");
        const int Reserved = 0x22, SharedAt = 0x11, ReadWrite = 3, Piece = 2 << 20, Vector = 16;
        const long Limit = 1L << 31;
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
        RandomAccess.SetLength(file, Piece);
        var start = GuardedFloats.Map(0, (nuint)(Limit + Piece), 0, Reserved, -1, 0);
        for (var piece = 0L; piece <= Limit; piece += Piece)
        {
            var place = start + (nint)piece;
            Assert.Equal(place, GuardedFloats.Map(place, Piece, ReadWrite, SharedAt, (int)file.DangerousGetHandle(), 0));
        }

        var floats = (float*)start;
        floats[(Limit / sizeof(float)) + 3] = 1;
        var layout = new ScratchLayout(floats, Lanes128.Count);
        Assert.Equal((nint)floats, (nint)layout.Zeros((Limit / Vector) + 1));
        Assert.Equal(0, floats[(Limit / sizeof(float)) + 3]);
        KernelMemory.LeaveAllOwn();
        _ = GuardedFloats.Unmap((byte*)start, (nuint)(Limit + Piece));
    }

#if DEBUG
    [Theory]
    [InlineData(0, true)]
    [InlineData(8, true)]
    [InlineData(-1, false)]
    [InlineData(9, false)]
    public void A_vector_lies_inside_the_memory_of_its_call(int offset, bool isInside)
    {
        var floats = stackalloc float[18];
        using var memory = new CallMemory();
        memory.Add(floats + 1, 16);
        Requires(isInside, () => Lanes256.Load(floats + 1 + offset));
        Requires(isInside, () => Lanes256.Store(floats + 1 + offset, Vector256<float>.Zero));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(4, true)]
    [InlineData(1, false)]
    public void A_vector_does_not_run_from_one_buffer_of_the_scratch_into_the_next(int offset, bool isInside)
    {
        var floats = stackalloc float[8];
        var layout = new ScratchLayout(floats, Lanes128.Count);
        layout.Vectors(1);
        layout.Vectors(1);
        Requires(isInside, () => Lanes128.Load(floats + offset));
        KernelMemory.LeaveAllOwn();
    }

    [Fact]
    public void Memory_is_taken_back_when_the_call_ends()
    {
        var floats = stackalloc float[4];
        using (var memory = new CallMemory()) memory.Add(floats, 4);
        Requires(false, () => Lanes128.Load(floats));
    }

    private static void Requires(bool isInside, Action access)
    {
        var refused = Record.Exception(access);
        if (isInside) Assert.Null(refused);
        else Assert.Contains("not inside of any memory", Assert.IsAssignableFrom<Exception>(refused).Message, StringComparison.Ordinal);
    }
#else
    [Fact]
    public void A_release_build_looks_at_nothing()
    {
        Assert.All(
            typeof(KernelMemory).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly),
            method => Assert.Equal(["DEBUG"], method.GetCustomAttributes<ConditionalAttribute>().Select(only => only.ConditionString)));

        // What enters memory in debug: buffers, scratch that is cut, a whole run.
        var floats = stackalloc float[8];
        var buffer = new AlignedFloats(16);
        var layout = new ScratchLayout(floats, Lanes128.Count);
        layout.Vectors(1);
        using var session = Inference.ModelFile.Model().CreateSession();
        session.Run(new float[session.ImageLength], new float[session.Model.Spec.Outputs]);
        Assert.Empty((Array)Field("s_shared")!);
        Assert.Null(Field("s_own"));
        GC.KeepAlive(buffer);

        static object? Field(string name) =>
            typeof(KernelMemory).GetField(name, BindingFlags.NonPublic | BindingFlags.Static)!.GetValue(null);
    }
#endif
}
