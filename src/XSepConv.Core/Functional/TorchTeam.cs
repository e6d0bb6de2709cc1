using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using XSepConv.Kernels;
using static TorchSharp.torch;

namespace XSepConv;

/// <summary>
/// libtorch's own OpenMP threads. After each of its operators they wait for more work by spinning for milliseconds: threads of another pool
/// would find every core taken by them (measured, two cores: 2 ms late into 4 ms of work), while these begin at once.
/// </summary>
internal sealed unsafe class TorchTeam : IKernelTeam
{
    // libgomp's entry for `#pragma omp parallel`: function, its argument, threads, flags.
    private readonly delegate* unmanaged[Cdecl]<delegate* unmanaged[Cdecl]<void*, void>, void*, uint, uint, void> _parallel;

    private static readonly Lazy<bool> s_joined = new(Install);

    private TorchTeam(delegate* unmanaged[Cdecl]<delegate* unmanaged[Cdecl]<void*, void>, void*, uint, uint, void> parallel) =>
        _parallel = parallel;

    /// <summary>Has the kernels run on torch's own threads from here on, where they can be had; on the pool's elsewhere.</summary>
    /// <returns>torch's number of threads.</returns>
    public static int Join()
    {
        _ = s_joined.Value;
        return get_num_threads();
    }

    public void Run(Action job, int threads)
    {
        var call = new Call(job);
        var handle = GCHandle.Alloc(call);
        try
        {
            _parallel(&Enter, (void*)GCHandle.ToIntPtr(handle), (uint)threads, 0);
        }
        finally
        {
            handle.Free();
        }

        call.Failure?.Throw();
    }

    // No exception may pass through native frames.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Enter(void* handle)
    {
        var call = (Call)GCHandle.FromIntPtr((nint)handle).Target!;
        try
        {
            call.Job();
        }
        catch (Exception failure)
        {
            call.Failure = ExceptionDispatchInfo.Capture(failure);
        }
    }

    private static bool Install()
    {
        // Its threads are found where libtorch is loaded: any call of it sees to that.
        _ = get_num_threads();
        if (Find() is not { } parallel) return false;
        KernelThreads.Team = new TorchTeam(
            (delegate* unmanaged[Cdecl]<delegate* unmanaged[Cdecl]<void*, void>, void*, uint, uint, void>)parallel);
        return true;
    }

    // The library that libtorch loaded, beside it and under a name with a hash; another copy would have threads of its own.
    private static nint? Find()
    {
        if (!OperatingSystem.IsLinux()) return null;
        var mapped = Mapped(File.ReadLines("/proc/self/maps"));
        var torch = mapped.Find(path => Path.GetFileName(path).StartsWith("libtorch_cpu", StringComparison.Ordinal));
        var library = mapped.Where(path => Path.GetFileName(path).StartsWith("libgomp", StringComparison.Ordinal))
            .OrderByDescending(path => Path.GetDirectoryName(path) == Path.GetDirectoryName(torch)).FirstOrDefault();
        return library is not null && NativeLibrary.TryLoad(library, out var handle)
            && NativeLibrary.TryGetExport(handle, "GOMP_parallel", out var parallel)
            ? parallel
            : null;
    }

    /// <summary>The paths in lines of <c>/proc/self/maps</c>; no field before them has a slash, and they may have spaces.</summary>
    internal static List<string> Mapped(IEnumerable<string> lines) =>
        [.. lines.Where(line => line.Contains('/')).Select(line => line[line.IndexOf('/')..]).Distinct()];

    private sealed class Call(Action job)
    {
        public Action Job => job;

        public ExceptionDispatchInfo? Failure { get; set; }
    }
}
