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
