using System.Collections.Concurrent;
using XSepConv;
using XSepConv.Imaging;

namespace Serve;

/// <summary>Threads that take what waits, several pictures at once: each has a session, all share the model.</summary>
internal sealed class BatchWorkers : IDisposable
{
    // In milliseconds: whoever waits for an answer has it by then, or the time to shut down is over.
    private const int Patience = 500;

    // As many pixels take up to 100 MB while they are decoded.
    private const int LargePicture = 4_000_000;

    /// <summary>What errors call a picture.</summary>
    public const string PictureName = "the picture";

    private readonly CompiledModel _model;
    private readonly DataSpec _data;
    private readonly int _maxBatch;
    private readonly Histogram _batches;
    private readonly BlockingCollection<Job> _waiting = [];
    private readonly List<NetworkSession> _sessions = [];
    private readonly List<Thread> _threads = [];
    private readonly Lock _large = new();

    public BatchWorkers(CompiledModel model, int workers, int maxBatch, Histogram batches)
    {
        (_model, _data, _maxBatch, _batches) = (model, model.Data!, maxBatch, batches);
        for (var i = 0; i < workers; i++)
        {
            var session = model.CreateSession(maxBatch);
            _sessions.Add(session);
            _threads.Add(new Thread(() => Work(session)) { Name = $"worker {i}", IsBackground = true });
        }

        foreach (var thread in _threads) thread.Start();
    }

    /// <summary>Pictures that no worker has taken yet.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Gives a PNG or JPEG file's likeliest classes when its turn has come; what was aborted until then is cancelled.</summary>
    /// <exception cref="InvalidDataException">It is neither, damaged, or has too many pixels.</exception>
    public Task<Prediction[]> Classify(byte[] picture, int pixels, int top, CancellationToken aborted)
    {
        var job = new Job(picture, pixels, top, aborted);
        _waiting.Add(job, CancellationToken.None);
        return job.Answer.Task;
    }

    /// <summary>Ends the threads that have nothing to do; one that is at a picture is left to the end of the process.</summary>
    public void Dispose()
    {
        _waiting.CompleteAdding();
        var deadline = Environment.TickCount64 + Patience;
        var areDone = true;
        foreach (var thread in _threads) areDone &= thread.Join((int)Math.Max(0, deadline - Environment.TickCount64));
        if (!areDone) return;
        foreach (var session in _sessions) session.Dispose();
        _waiting.Dispose();
    }

    private void Work(NetworkSession session)
    {
        // The first run compiles the kernels.
        session.Classify(new byte[session.ImageLength], new Prediction[1]);
        var jobs = new List<Job>(_maxBatch);
        foreach (var first in _waiting.GetConsumingEnumerable())
        {
            jobs.Add(first);

            // The other workers' share is left to them.
            var share = Math.Min(Math.Min(_maxBatch, Array.MaxLength / session.ImageLength), 1 + (_waiting.Count / _sessions.Count));
            while (jobs.Count < share && _waiting.TryTake(out var next)) jobs.Add(next);
            try
            {
                Answer(session, jobs);
            }
            catch (Exception e)
            {
                // Of no picture: those that have an answer keep it.
                foreach (var job in jobs) job.Answer.TrySetException(e);
            }

            jobs.Clear();
        }
    }

    private void Answer(NetworkSession session, List<Job> jobs)
    {
        var pixels = new byte[jobs.Count * session.ImageLength];
        var read = new List<Job>(jobs.Count);
        foreach (var job in jobs)
        {
            if (job.Aborted.IsCancellationRequested)
            {
                job.Answer.SetCanceled(job.Aborted);
                continue;
            }

            try
            {
                Decode(job, session.Height).CopyTo(pixels, read.Count * session.ImageLength);
                read.Add(job);
            }
            catch (Exception e)
            {
                // Damage, or no memory for so many pixels: the others of the batch have nothing to do with it.
                job.Answer.SetException(e);
            }
        }

        if (read.Count == 0) return;
        var most = read.Max(job => job.Top);
        var top = new Prediction[read.Count * most];
        session.Classify(pixels.AsSpan(0, read.Count * session.ImageLength), top);
        _batches.Observe(read.Count);
        for (var i = 0; i < read.Count; i++) read[i].Answer.SetResult(top[(i * most)..((i * most) + read[i].Top)]);
    }

    private byte[] Decode(Job job, int side)
    {
        if (job.Pixels > LargePicture)
        {
            lock (_large)
            {
                try
                {
                    return Now();
                }
                finally
                {
                    // Or the pixels of several pictures would stay for long.
                    GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
                }
            }
        }

        return Now();

        byte[] Now() => ImageDecoder.Decode(job.Picture, PictureName, _data, side);
    }

    private sealed record Job(byte[] Picture, int Pixels, int Top, CancellationToken Aborted)
    {
        // Whoever waits goes on on a thread of its own, not on the worker's.
        public TaskCompletionSource<Prediction[]> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
