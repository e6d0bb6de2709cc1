namespace XSepConv.Native;

/// <summary>A session as C holds it: it runs, or is freed, or neither.</summary>
internal sealed unsafe class Session(NetworkSession network)
{
    private const int Idle = 0, Running = 1, Freed = 2;

    private Prediction[] _top = [];
    private int _state;

    public NetworkSession Network => network;

    public CompiledModel Model => network.Model;

    /// <summary>Values of one image.</summary>
    public int ImageLength => network.ImageLength;

    /// <summary>Takes the session for the calling thread.</summary>
    /// <exception cref="CallException">Another one has it, or it is freed.</exception>
    public Turn Take()
    {
        switch (Interlocked.CompareExchange(ref _state, Running, Idle))
        {
            case Running:
                throw new CallException(
                    Status.Busy, "Another thread is running this session. Give every thread its own: sessions share the model.");
            case Freed:
                throw new CallException(Status.InvalidHandle, "session was freed already.");
            default:
                return new(this);
        }
    }

    /// <summary>Ends it.</summary>
    /// <exception cref="CallException">It is running, or freed.</exception>
    public void End()
    {
        switch (Interlocked.CompareExchange(ref _state, Freed, Idle))
        {
            case Running:
                throw new CallException(Status.Busy, "Another thread is running this session; free it when that is done.");
            case Freed:
                throw new CallException(Status.InvalidHandle, "handle was freed already.");
            default:
                network.Dispose();
                break;
        }
    }

    /// <summary>How many images a buffer holds.</summary>
    /// <exception cref="CallException">It holds none, too many, or a part of one.</exception>
    public int Images(void* buffer, nuint count, string name, string countName)
    {
        var (length, most) = ((nuint)ImageLength, (nuint)network.MaxBatch);
        var images = count / length;
        if (images < 1 || images > most || count % length != 0 || count > int.MaxValue)
        {
            throw CallException.Argument(
                countName, $"is {count:N0}; an image of {Shape()} has {length:N0} values, and the session takes "
                    + (most == 1 ? "one" : $"1 to {most:N0} of them") + " (max_batch of xsepconv_create_session)");
        }

        if (buffer == null) throw CallException.Argument(name, "is NULL; give the address of a buffer");
        return (int)images;
    }

    /// <summary>Channels × height × width.</summary>
    public string Shape() => $"{Model.Spec.InputChannels}×{network.Height}×{network.Width}";

    /// <summary>Room for predictions, kept for the next run.</summary>
    public Span<Prediction> Top(int count)
    {
        if (_top.Length < count) _top = new Prediction[count];
        return _top.AsSpan(0, count);
    }

    /// <summary>While it lasts no other thread has the session.</summary>
    internal readonly ref struct Turn(Session session)
    {
        public void Dispose() => Volatile.Write(ref session._state, Idle);
    }
}
