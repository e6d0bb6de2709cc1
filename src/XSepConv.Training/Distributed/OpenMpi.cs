using System.Runtime.InteropServices;
using System.Text;

namespace XSepConv.Training;

/// <summary>
/// Open MPI's C library, found and called by name. What MPI calls handles are addresses of its own variables (<c>ompi_mpi_comm_world</c>);
/// other MPIs have numbers there, so that those are refused.
/// </summary>
internal sealed unsafe partial class OpenMpi
{
    private const string Remedy = "Install Open MPI (on Debian: apt-get install openmpi-bin) and start with its mpirun";
    private const int ThreadsFunneled = 1;
    private const int LongestVersion = 8192;

    // MPI_IN_PLACE of Open MPI.
    private static readonly void* InPlace = (void*)1;

    private static readonly string[] LibraryNames = ["libmpi.so.40", "libmpi.so", "libmpi.40.dylib", "libmpi.dylib"];

    private readonly nint _library;
    private readonly nint _world, _sum;

    private OpenMpi(nint library)
    {
        _library = library;
        (_world, _sum, Float, Double) =
            (Variable("ompi_mpi_comm_world"), Variable("ompi_mpi_op_sum"), Variable("ompi_mpi_float"), Variable("ompi_mpi_double"));
    }

    public nint Float { get; }

    public nint Double { get; }

    /// <summary>Loads the library and joins the others.</summary>
    /// <exception cref="PlatformNotSupportedException">There is none, or it is not Open MPI.</exception>
    public static OpenMpi Start()
    {
        var mpi = new OpenMpi(Load());

        // .NET handles SIGSEGV and others itself; Open MPI would put its own handlers before them.
        if (!OperatingSystem.IsWindows()) SetEnvironment("OMPI_MCA_opal_signal", "", 1);
        int given;
        Check(
            ((delegate* unmanaged<int*, byte***, int, int*, int>)mpi.Function("MPI_Init_thread"))(null, null, ThreadsFunneled, &given),
            "MPI_Init_thread");
        return mpi;
    }

    public int Rank() => Number("MPI_Comm_rank");

    public int Size() => Number("MPI_Comm_size");

    /// <summary>Every process gets the sum of what all gave.</summary>
    public void SumInPlace(void* values, int count, nint type) => Check(
        ((delegate* unmanaged<void*, void*, int, nint, nint, nint, int>)Function("MPI_Allreduce"))(
            InPlace, values, count, type, _sum, _world), "MPI_Allreduce");

    public void Abort(int exitCode) => ((delegate* unmanaged<nint, int, int>)Function("MPI_Abort"))(_world, exitCode);

    public void Finish() => Check(((delegate* unmanaged<int>)Function("MPI_Finalize"))(), "MPI_Finalize");

    private static nint Load()
    {
        foreach (var name in LibraryNames)
        {
            if (!NativeLibrary.TryLoad(name, out var library)) continue;
            if (NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out _)) return library;
            throw new PlatformNotSupportedException(
                $"The MPI here ({Version(library)}) is not Open MPI, the only one that is supported. {Remedy}.");
        }

        throw new PlatformNotSupportedException(NativeLibrary.TryLoad("libmpich.so.12", out _)
            ? $"The MPI here is MPICH; only Open MPI is supported. {Remedy}."
            : $"There is no MPI here ({LibraryNames[0]} can't be loaded). {Remedy}.");
    }

    private static string Version(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "MPI_Get_library_version", out var function)) return "without a version";
        var text = stackalloc byte[LongestVersion];
        int length;
        return ((delegate* unmanaged<byte*, int*, int>)function)(text, &length) == 0
            ? Encoding.UTF8.GetString(text, Math.Clamp(length, 0, 60)).Split('\n')[0].Trim()
            : "of unknown version";
    }

    private static void Check(int code, string call)
    {
        if (code != 0) throw new InvalidOperationException($"{call} failed with MPI's error code {code}.");
    }

    private int Number(string call)
    {
        int number;
        Check(((delegate* unmanaged<nint, int*, int>)Function(call))(_world, &number), call);
        return number;
    }

    private nint Variable(string name) => NativeLibrary.GetExport(_library, name);

    private nint Function(string name) => NativeLibrary.GetExport(_library, name);

    // Environment.SetEnvironmentVariable changes .NET's copy, which no native library sees.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
