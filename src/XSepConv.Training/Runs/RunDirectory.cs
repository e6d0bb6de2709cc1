using System.Text;
using System.Text.Json;

namespace XSepConv.Training;

/// <summary>The output directory of a run: its files, and that only one run writes them.</summary>
internal sealed class RunDirectory
{
    /// <summary>The epochs, a line each.</summary>
    public const string LogFileName = "log.jsonl";

    private const int MostTries = 100;

    private RunDirectory(string path) => FullName = path;

    public string FullName { get; }

    public string Last => Path.Combine(FullName, Checkpoint.LastFileName);

    public string Best => Path.Combine(FullName, Checkpoint.BestFileName);

    public string Log => Path.Combine(FullName, LogFileName);

    public string Curves => Path.Combine(FullName, "curves.png");

    public string Events => Path.Combine(FullName, "tensorboard");

    /// <summary>The directory as another process of the same run sees it, which leaves it alone.</summary>
    public static RunDirectory ForReading(TrainingOptions options) => new(Path.GetFullPath(options.OutputDirectory));

    /// <summary>
    /// A file by which a folder holds a run: the checkpoint to resume, else what is left of one without it; null where there is none.
    /// </summary>
    public static string? FileOfRun(string folder) =>
        new[] { Checkpoint.LastFileName, Checkpoint.BestFileName, LogFileName }
            .FirstOrDefault(name => Path.Exists(Path.Combine(folder, name)));

    /// <summary>Makes the directory where needed, and sees that a file can be written there, before anything is trained.</summary>
    /// <exception cref="TrainingRefusedException">
    /// It can't be, or it holds a run that is neither resumed nor to be lost, or there is none to resume.
    /// </exception>
    public static RunDirectory Prepare(TrainingOptions options)
    {
        var directory = new RunDirectory(Path.GetFullPath(options.OutputDirectory));
        if (options.Resume && !File.Exists(directory.Last))
        {
            throw new TrainingRefusedException($"There is nothing to resume: {directory.Last} does not exist. Start without resuming.");
        }

        if (!options.Resume && options.InitialWeights is { } path
            && (RealPath.AreOne(path, directory.Last) || RealPath.AreOne(path, directory.Best)))
        {
            throw new TrainingRefusedException(
                $"The initial weights are '{path}', which the run would overwrite; choose another output directory.");
        }

        directory.RequireFree(options);
        try
        {
            Directory.CreateDirectory(directory.FullName);
            var probe = Path.Combine(directory.FullName, $".{Path.GetRandomFileName()}.tmp");
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TrainingRefusedException($"The output directory '{options.OutputDirectory}' can't be written: {e.Message}", e);
        }

        return directory;
    }

    /// <summary>Refuses to lose a run that is neither resumed nor said to be overwritten.</summary>
    /// <exception cref="TrainingRefusedException">There is one.</exception>
    public void RequireFree(TrainingOptions options)
    {
        if (options.Resume || options.Overwrite || FileOfRun(FullName) is not { } file) return;
        throw new TrainingRefusedException(
            file == Checkpoint.LastFileName
                ? $"{FullName} holds a run already. Resume it, choose another output directory, or say that it may be overwritten."
                : $"{FullName} holds a run already, and no {Checkpoint.LastFileName} to resume it from: {file} would be lost. "
                + "Choose another output directory, or say that it may be overwritten.");
    }

    /// <summary>Keeps other runs out until disposed of; the system lets go of it when the process is killed.</summary>
    /// <exception cref="TrainingRefusedException">Another run is at work there.</exception>
    public IDisposable Lock() => Lock(FullName, "run");

    /// <summary>Keeps others out of a directory that is there.</summary>
    /// <exception cref="TrainingRefusedException">Another of the same kind is at work there.</exception>
    internal static IDisposable Lock(string folder, string what)
    {
        try
        {
            for (var tries = 1; ; tries++)
            {
                var file = RegularFile.OpenWrite(
                    Path.Combine(folder, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None,
                    OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None);
                if (file.Length == 0 || tries == MostTries) return new FolderLock(file);
                file.Dispose();
            }
        }
        catch (IOException e) when (RegularFile.IsHeld(e))
        {
            throw new TrainingRefusedException($"Another {what} is writing to {folder}.", e);
        }
    }

    public void Clear()
    {
        EventFile.Clear(Events);
        File.Delete(Curves);

        // The checkpoint that could be resumed goes last. A kill in between leaves a run, which is not overwritten unasked.
        File.Delete(Log);
        File.Delete(Best);
        File.Delete(Last);
    }

    /// <summary>Reads the run's state.</summary>
    /// <exception cref="InvalidDataException">The checkpoint is damaged.</exception>
    /// <exception cref="TrainingRefusedException">It is no checkpoint that can be resumed, or its best weights are gone.</exception>
    public TrainingState ReadState()
    {
        using var file = SafeTensors.Open(Last);
        if (!file.Metadata.TryGetValue(TrainingState.MetadataKey, out var json))
        {
            throw new TrainingRefusedException(
                $"{Last} can't be resumed: it holds no training state ('{TrainingState.MetadataKey}' in its metadata).");
        }

        var state = TrainingState.FromJson(json, Last);
        return state.EpochsDone == 0 || state.HoldsBest || File.Exists(Best)
            ? state
            : throw new TrainingRefusedException($"The run can't be resumed: {Best}, the weights of its best epoch so far, is gone.");
    }

    /// <summary>
    /// Whether the checkpoint still has a state that was read from it. Its weights are read later: those of another moment would go on from
    /// this one's position.
    /// </summary>
    public bool Holds(TrainingState state) => File.Exists(Last) && ReadState().ToJson() == state.ToJson();

    /// <summary>
    /// Makes the log say exactly the given epochs: lines that are there keep their times, lines beyond a resumed checkpoint go, lines that
    /// were lost come back without times.
    /// </summary>
    public void WriteLog(IReadOnlyList<EpochResult> history)
    {
        var old = ReadLog();
        var text = new StringBuilder();
        foreach (var result in history)
        {
            var timed = result.Seconds is null && old.TryGetValue(result.Epoch, out var line) && line.Timeless == result
                ? line
                : result;
            text.Append(JsonSerializer.Serialize(timed, CheckpointJson.Default.EpochResult)).Append('\n');
        }

        AtomicFile.WriteAllText(Log, text.ToString());
    }

    private Dictionary<int, EpochResult> ReadLog()
    {
        var results = new Dictionary<int, EpochResult>();
        if (!File.Exists(Log)) return results;
        foreach (var line in RegularFile.ReadLines(Log))
        {
            try
            {
                if (JsonSerializer.Deserialize(line, CheckpointJson.Default.EpochResult) is { } result) results[result.Epoch] = result;
            }
            catch (JsonException)
            {
                // A line that is no JSON is one that was lost.
            }
        }

        return results;
    }

    /// <summary>
    /// Takes its file away before it lets go of it. Who had opened that one by then gets a lock on a file without a name, while others lock
    /// the next of that name: its length tells.
    /// </summary>
    private sealed class FolderLock(FileStream file) : IDisposable
    {
        public void Dispose()
        {
            try
            {
                if (!OperatingSystem.IsWindows() && file.CanWrite)
                {
                    File.Delete(file.Name);
                    file.SetLength(1);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // What can't be taken away stays, and is locked by whoever comes next.
            }

            file.Dispose();
        }
    }
}
