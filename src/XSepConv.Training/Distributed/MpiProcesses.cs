using System.Runtime.InteropServices;

namespace XSepConv.Training;

/// <summary>The processes of <c>mpirun</c>.</summary>
internal sealed unsafe class MpiProcesses : ProcessGroup
{
    // MPI counts in int; a part of this size is far beyond what makes a message efficient.
    private const int MostAtOnce = 1 << 24;

    private readonly OpenMpi _mpi;
    private bool _left;

    private MpiProcesses(OpenMpi mpi)
    {
        _mpi = mpi;
        (Rank, Size) = (mpi.Rank(), mpi.Size());
    }

    public override int Rank { get; }

    public override int Size { get; }

    public static ProcessGroup Join() => new MpiProcesses(OpenMpi.Start());

    public override void Abort(int exitCode) => _mpi.Abort(exitCode);

    internal override void Sum(Span<float> values) => Sum(MemoryMarshal.AsBytes(values), sizeof(float), _mpi.Float);

    internal override void Sum(Span<double> values) => Sum(MemoryMarshal.AsBytes(values), sizeof(double), _mpi.Double);

    protected override void Dispose(bool disposing)
    {
        // MPI ends a process that leaves twice.
        if (!disposing || _left) return;
        _left = true;
        if (Failure is { } failure)
        {
            // MPI's own end would wait for the others, as they do for this one.
            Console.Error.WriteLine($"Process {Rank} of {Size} can't go on, which ends all: {failure.Message}");
            Abort(exitCode: 1);
        }

        _mpi.Finish();
        base.Dispose(disposing);
    }

    private void Sum(Span<byte> values, int size, nint type)
    {
        fixed (byte* start = values)
        {
            for (var done = 0; done < values.Length; done += MostAtOnce * size)
            {
                _mpi.SumInPlace(start + done, Math.Min(MostAtOnce, (values.Length - done) / size), type);
            }
        }
    }
}
