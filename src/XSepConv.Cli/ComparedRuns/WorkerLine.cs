using System.Text.Json;
using XSepConv.Training;

namespace XSepConv.Cli.ComparedRuns;

/// <summary>What a worker says on its standard output: a line for each step, or fewer.</summary>
internal static class WorkerLine
{
    /// <summary>
    /// What a worker is told on its standard input to end after the step at work. When the input ends, so does the worker, at once.
    /// </summary>
    public const string Stop = "stop";

    // A loss may be infinite on the way to an error.
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static string Write(TrainingProgress progress) => JsonSerializer.Serialize(progress, Options);

    /// <summary>Null for a line that is something else: a native library may write there too.</summary>
    public static TrainingProgress? Read(string line)
    {
        try
        {
            return line.StartsWith('{') ? JsonSerializer.Deserialize<TrainingProgress>(line, Options) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
